"""Who may connect, what they are shown, and how much of this process they may use."""

TRUST_DOMAIN = "pointsman.local"
STREAMS = 4  # of one identity at once

# gRPC has no setting for the lowest version of TLS on servers (grpc#37305). But the cipher suites of TLS 1.2 can be named, by
# GRPC_SSL_CIPHER_SUITES, and those of 1.3 cannot be taken away. This one needs a pre-shared key, which nobody has: a handshake
# below 1.3 finds no suite. gRPC reads it once in a process; where that was too late, the guard refuses what was let through.
NO_SUITE_BELOW_1_3 = "ECDHE-PSK-CHACHA20-POLY1305"
