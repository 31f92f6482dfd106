// Package wire has what servers and clients share: lines of JSON over stdin and stdout, TLS from files, names of types.
package wire

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

const (
	ClusterURL  = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
	EndpointURL = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"
	SecretURL   = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"
)

// Serve reads one command a line and answers each with one line, until stdin ends.
func Serve[Command any](answer func(Command) (any, error)) {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var command Command
		if err := json.Unmarshal(lines.Bytes(), &command); err != nil {
			Fail(err)
		}
		found, err := answer(command)
		if err != nil {
			found = map[string]string{"error": err.Error()}
		}
		Say(found)
	}
}

func Say(what any) {
	line, err := json.Marshal(what)
	if err != nil {
		Fail(err)
	}
	os.Stdout.Write(append(line, '\n'))
}

func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Files of a TLS identity and of the CA that the other side must be signed by. Empty: plain text.
type Files struct{ Cert, Key, CA string }

func (files Files) Credentials(server bool) credentials.TransportCredentials {
	if files.Cert == "" {
		return insecure.NewCredentials()
	}
	own, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		Fail(err)
	}
	text, err := os.ReadFile(files.CA)
	if err != nil {
		Fail(err)
	}
	authorities := x509.NewCertPool()
	authorities.AppendCertsFromPEM(text)
	config := &tls.Config{Certificates: []tls.Certificate{own}, MinVersion: tls.VersionTLS13}
	if server {
		config.ClientCAs, config.ClientAuth = authorities, tls.RequireAndVerifyClientCert
	} else {
		config.RootCAs, config.ServerName = authorities, "localhost"
	}
	return credentials.NewTLS(config)
}
