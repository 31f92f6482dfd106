"""Every code that a finding can carry, and what it means. Owns the words of docs/findings.md; knows nothing of who finds what.

A new code is one line in CODES: its number, title, explanation and what mends it. Codes are stable: a number is never
given a second meaning, and a code that is no longer found keeps its line. Then `make findings` writes the page anew.

PM01xx: files and the door. PM02xx: references. PM03xx: Gateways and listeners. PM04xx: routes. PM05xx: TLS. PM06xx: what
Envoy would refuse. PM07xx: sandboxes. PM09xx: what `pointsman doctor` says of an installation.
"""

from __future__ import annotations

from typing import NamedTuple

AREAS = {
    "PM01": "Files and the door",
    "PM02": "References",
    "PM03": "Gateways and listeners",
    "PM04": "Routes",
    "PM05": "TLS",
    "PM06": "Refused for Envoy",
    "PM07": "Sandboxes",
    "PM09": "The installation in a cluster",
}


class Meaning(NamedTuple):
    title: str
    explanation: str
    fix: str


# fmt: off
CODES: dict[str, Meaning] = {
    "PM0101": Meaning("File cannot be read", "The file is not YAML, not UTF-8, or cannot be opened. What it last held stays in force.", "Mend the file at the line named."),
    "PM0102": Meaning("Not an object", "A document is an object of Kubernetes: it needs apiVersion, kind and metadata.name, all of them text.", "Give the field that is missing."),
    "PM0103": Meaning("Kind not known", "Nothing here reads this kind, so the object changes nothing. Those of Signadot's operator are read in a cluster alone, with --signadot: they name workloads by their UIDs.", "Check the spelling of kind, or remove the object."),
    "PM0104": Meaning("Version not served", "The kind is known, in other versions than the one that apiVersion names.", "Use one of the versions named."),
    "PM0105": Meaning("Metadata not valid", "Names, labels, annotations and the creation time follow the rules of every Kubernetes object.", "Change the field as the message says."),
    "PM0106": Meaning("Field not known", "The kind has no such field, so its value is dropped. An API server drops it as well.", "Check the spelling, or remove the field."),
    "PM0107": Meaning("Value not allowed", "The schema of the kind does not allow this value: its type, length, range, form or choice.", "Change the value as the message says."),
    "PM0108": Meaning("Field missing", "The schema of the kind requires this field.", "Give the field."),
    "PM0109": Meaning("Rule of the kind broken", "The fields are each allowed, and together they are not: a validation rule of the kind says so.", "Change the fields as the message says."),
    "PM0110": Meaning("Item given twice", "The items of this list are told apart by their keys, or by their value, and two of them are the same.", "Remove or rename one of them."),
    "PM0111": Meaning("Secret not readable", "Values below data are base64; text goes below stringData. What a Secret holds is never shown.", "Encode the value, or move it to stringData."),
    "PM0112": Meaning("Kind not served yet", "The kind belongs to the Gateway API, and this version does not serve it. The object changes nothing.", "Remove the object, or use a kind that is served."),
    "PM0113": Meaning("Namespace not used", "Objects of this kind belong to no namespace, so the one given is dropped.", "Remove metadata.namespace."),
    "PM0120": Meaning("File too large", "A file has at most 16 MiB and 100,000 values, nested at most 64 deep. What it last held stays in force.", "Split the file."),
    "PM0121": Meaning("Alias not read", "Aliases and anchors of YAML are not read: a few bytes of them can stand for gigabytes. What the file last held stays in force.", "Write the value out."),
    "PM0122": Meaning("Key given twice", "A mapping holds the same key twice, so one of the values would be lost. What the file last held stays in force.", "Remove one of them."),
    "PM0123": Meaning("Object in two places", "The same object stands twice in the folder. The file whose path sorts first counts, and within a file the first one.", "Remove one of them."),
    "PM0124": Meaning("Many objects gone at once", "More than half of a kind, and at least five of it, are gone at once. They stay in force until somebody says that this is meant.", "Put them back; or, if it is meant, create the file `.allow-mass-deletion` in the folder, or start with --allow-mass-deletion."),
    "PM0199": Meaning("Bug of Pointsman", "A rule raised. The object that it ran for is left out; everything else goes on.", "Report it, with the object that is named."),
    "PM0125": Meaning("Folder gone", "The folder of files, or a part of it, is not there or cannot be listed. What it last held stays in force.", "Bring the folder back."),
    "PM0130": Meaning("Kind not in the cluster", "The API server does not serve this kind in a version that is read here. Everything else works; the kind is taken in as soon as it is there.", "Install the CustomResourceDefinition of the kind."),
    "PM0131": Meaning("Kind forbidden", "The service account may not read this kind. What was known of it stays in force; a server that starts waits for it, because to act on a part would take things away.", "Allow get, list and watch of the kind."),
    "PM0132": Meaning("API server away", "The API server has not answered, or not in a way that can be understood, for 30 s. What was last known stays in force.", "Bring the API server back, or the way to it."),
    "PM0133": Meaning("Object not readable", "The API server holds an object in a form that is not understood here. Its last good state stays in force.", "Compare the CustomResourceDefinition in the cluster with the one that this version ships."),
    "PM0134": Meaning("Many objects gone from the cluster", "More than half of a kind is gone at once, or its CustomResourceDefinition is. The objects stay in force for 300 s, or until they are there again.", "Put them back; or, if it is meant, wait, or start with --allow-mass-deletion."),
    "PM0135": Meaning("Status not written", "The API server does not take what is said of the objects of this kind. They are served all the same; what stands in their status is old.", "Allow get of the kind and update of its status."),
    "PM0136": Meaning("Data plane not made", "An object of the proxies of a Gateway could not be made or changed. What is there goes on; it is tried again.", "Do what the message says: allow the verb that is missing, or correct what the API server refuses."),
    "PM0138": Meaning("Object in two groups", "Sandboxes are read in several groups of the API server, and two of them have an object of the same kind and name. That of the group counts which the server was told first.", "Keep one of them."),
    "PM0137": Meaning("Right missing", "The API server does not let the server do something that it does. What it means stands beside it, where it means anything at once; the rest works. It is tried again, and this goes when it succeeds.", "Allow the verb to the service account: `pointsman install` applies the roles of this version."),
    "PM0140": Meaning("Route group of Signadot not whole", "A SignadotRouteGroup names a sandbox that is not there or has no routes, or its key is none. Requests with its key go to what there is of it, and to the baseline.", "Look at the object: it is written by Signadot's operator."),
    "PM0139": Meaning("Sidecars not provided for", "Pods are given sidecars as they are made, and what these start with, or what the API server must know of the webhook, could not be written. Pods are made all the same: without a sidecar, or waiting for what it starts with. It is tried again.", "Do what the message says; `pointsman install --webhook` applies the webhook and its role."),
    "PM0201": Meaning("Backend does not exist", "A route refers to a Service or Backend that is not there. Its share of requests is answered with an error, its share of connections closed.", "Create it or correct the name."),
    "PM0202": Meaning("Port does not exist", "The Service has no such port, so the reference means nothing. Its share of requests is answered with 500.", "Name a port that the Service has."),
    "PM0203": Meaning("Reference not permitted", "A reference into another namespace needs a ReferenceGrant there. Until then its share of requests is answered with 500.", "Create a ReferenceGrant in the target's namespace."),
    "PM0204": Meaning("ExternalName not followed", "A Service of type ExternalName reaches whatever its name resolves to, which its author could not reach otherwise.", "Use a Backend with an fqdn endpoint."),
    "PM0205": Meaning("Kind is no backend", "Routes send to a Service, or to a Backend of pointsman.io.", "Refer to one of these."),
    "PM0206": Meaning("Protocol not spoken", "The port's appProtocol cannot be spoken to this backend as it is.", "Use another appProtocol."),
    "PM0207": Meaning("Backend has no address", "Datagrams are shared among IP addresses; a Backend of names or sockets has none. Its share of datagrams is lost.", "Give the Backend IP endpoints, or use a Service."),
    "PM0301": Meaning("GatewayClass does not exist", "A Gateway of a class that nobody declared is served by nobody.", "Create the GatewayClass, or name one that exists."),
    "PM0302": Meaning("Listeners conflict", "Two listeners of one Gateway ask for the same port, protocol and hostname, or for one port with two protocols. Neither is served.", "Give one of them another port, protocol or hostname."),
    "PM0303": Meaning("Protocol not served", "A listener asks for a protocol that is not served.", "Use HTTP, HTTPS, TLS, TCP or UDP."),
    "PM0304": Meaning("Kind of route not possible", "A listener allows a kind of route that its protocol cannot carry.", "Remove the kind from allowedRoutes, or change the protocol."),
    "PM0305": Meaning("Port taken", "A listener of an older Gateway on the same proxies has this port and hostname, or speaks another protocol on it.", "Use another port or hostname, or give the Gateway an address of its own."),
    "PM0306": Meaning("Address cannot be bound", "Proxies bind IP addresses. A Gateway that asks for another kind of address is not accepted, and none of it is served.", "Use an IP address that the proxies have, or none."),
    "PM0307": Meaning("Port moved out of range", "The proxies that serve the Gateway add an offset to every port, and no port is left. The listener is not served, the others are.", "Use another port, or another offset."),
    "PM0308": Meaning("Parameters not known", "A GatewayClass or a Gateway names parameters of a kind that is not read here, so it is not accepted. Proxies in Pods that run for it stay as they are; where proxies are not made for Gateways, nothing of it is served.", "Name an EnvoyProxy, or remove parametersRef."),
    "PM0309": Meaning("ListenerSet not allowed", "A Gateway takes listeners from ListenerSets only where its allowedListeners says so.", "Widen allowedListeners of the Gateway."),
    "PM0320": Meaning("Parameters not usable", "The EnvoyProxy that a GatewayClass or a Gateway names is not there, or asks for what cannot be had, so the object is not accepted. Proxies in Pods that run for it stay as they are; where proxies are not made for Gateways, nothing of it is served.", "Create the EnvoyProxy, or change it as the message says."),
    "PM0321": Meaning("No effect on shared proxies", "All Gateways of the class share their proxies, so one of them cannot say what the objects of these are told. The rest of it works.", "Say it in the EnvoyProxy of the class, or give the Gateway a class of its own."),
    "PM0401": Meaning("Parent does not exist", "A route names a Gateway that is not there, so it serves nothing through it.", "Create the Gateway, or correct the name."),
    "PM0402": Meaning("Not attached", "The Gateway is there, and none of its listeners takes the route: by section and port, by namespace and kind, or by hostname.", "Change the route's parentRef or hostnames, or the listener's allowedRoutes."),
    "PM0403": Meaning("Filter not served", "A filter that is not served is never skipped: requests of its rule are answered with 500.", "Remove the filter."),
    "PM0404": Meaning("Field not served yet", "The field is known and has no effect; the rule works without it.", "Remove the field, or wait for a version that serves it."),
    "PM0405": Meaning("Older route has it", "Connections and datagrams cannot be told apart further: of several routes for the same listener and host the oldest gets all of them.", "Remove one of the routes, or give it another listener or hostname."),
    "PM0501": Meaning("No certificate named", "A TLS listener names no certificate, so it cannot serve.", "Add a certificateRef."),
    "PM0502": Meaning("Kind is no certificate", "Certificates are read from core Secrets.", "Refer to a Secret."),
    "PM0503": Meaning("Certificate not permitted", "A certificate in another namespace needs a ReferenceGrant there.", "Create a ReferenceGrant in the Secret's namespace."),
    "PM0504": Meaning("Certificate not usable", "The Secret is not there, or its pair cannot be served. Other certificates of the listener still are.", "Mend the Secret: tls.crt and tls.key in PEM, belonging together."),
    "PM0505": Meaning("Certificate authority not usable", "A reference to the certificates of an authority leads to nothing that can be used. If none is left, nothing is sent to the backend: plain text would be worse.", "Put certificates in PEM below ca.crt of a ConfigMap."),
    "PM0506": Meaning("Target does not exist", "A policy is about an object that is not there, or of a kind that nothing is sent to.", "Correct the name, or remove the target."),
    "PM0507": Meaning("Client certificates not checked", "A Gateway names a certificate authority of clients that cannot be used. Where none is left, the listeners that ask for it are not served.", "Name a ConfigMap with certificates in PEM below ca.crt, and permit it by a ReferenceGrant."),
    "PM0508": Meaning("No certificate for backends", "A Gateway names a certificate to show to backends that cannot be used, or that others who share its proxies do not show. Backends are shown none.", "Name a Secret with a certificate and its key, the same for all Gateways of the proxies."),
    "PM0601": Meaning("Envoy's rules broken", "Envoy would refuse the route, and with it all routes sent beside it. The route is left out, everything else works on.", "Change the field as the message says."),
    "PM0602": Meaning("Regular expression refused", "Envoy compiles regular expressions with RE2 and limits their size. The route is left out, everything else works on.", "Write it in the syntax of RE2, and shorter."),
    "PM0603": Meaning("Address not usable", "Envoy takes IP addresses, names to resolve, or paths of sockets. The endpoint is left out, the others are used.", "Change the address."),
    "PM0604": Meaning("Filter not possible on one backend", "Envoy does this for a whole route only, not for the part of its requests that one backend gets. That part answers 500.", "Move the filter to the rule."),
    "PM0605": Meaning("Refused by a proxy", "Envoy refused what was made of the object, in the words of the message. It is left out everywhere, everything else works on. This is also a gap in our own checks.", "Change the object as the message says; it is tried again at once. Then report the gap."),
    "PM0606": Meaning("Refused by a proxy, older state served", "Envoy refused what was made of the object, in the words of the message. What it accepted last is served in its place everywhere. This is also a gap in our own checks.", "Change the object as the message says; it is tried again at once. Then report the gap."),
    "PM0607": Meaning("Refused by one proxy only", "One proxy refuses what was made of the object; others accept it, or this one accepts nothing at all. It is served to all others.", "Look at the proxy: its version, and what else it refuses (`pointsman proxies`)."),
    "PM0608": Meaning("Port taken where a proxy runs", "A proxy cannot bind the address of a listener: another program has it, or the machine does not. That proxy goes on with what it had; all others are served the listener.", "Give the listener another port. Or free this one on the proxy's machine and restart that proxy: it is asked again when it connects."),
    "PM0701": Meaning("RouteGroup not attached", "None of the Gateway's listeners has keys read for the RouteGroup: by section and port, by protocol, or by the namespaces it admits.", "Change the parentRef, or what the listener admits."),
    "PM0702": Meaning("Another RouteGroup decides", "How keys are read is one decision for a listener: that of the RouteGroup in the Gateway's namespace, or of the oldest. And of two RouteGroups of one namespace only the older leads keys at a listener, unless the younger has all listeners of the older.", "Give them the same parentRefs, headers, preview hosts and admission, or keep one."),
    "PM0703": Meaning("Proxy without the native module", "A proxy does not announce the native module, so it is given a route for each key. Each new key then changes every route table, requests search through all keys, X-Route-Key alone is read and every client believed, and a fork that refuses connections is not replaced by the baseline.", "Give the proxy libpointsman.so, and announce it in its bootstrap."),
    "PM0704": Meaning("No key is believed", "Keys are taken away from all requests, as is safe where strangers come in, and there is no preview host.", "Set spec.admission.mode to All or Signed, or add a preview host."),
    "PM0705": Meaning("Older Sandbox has the key", "Two Sandboxes want the requests of one key for one Service. The older one gets them.", "Give one of them another key, or remove it."),
    "PM0706": Meaning("Target of a Sandbox not usable", "The Service or Backend that should answer is not there, or has no such port. The baseline answers.", "Create it, or correct the reference."),
    "PM0707": Meaning("Service not routed", "No route sends to the Service where the RouteGroup has keys read, so there is nothing to fork.", "Name a Service that routes of these Gateways send to."),
    "PM0708": Meaning("No key for it", "A route or an endpoint of a RouteGroup names no key, and the RouteGroup has no defaultRoutingKey.", "Give it a routingKey, or the RouteGroup a defaultRoutingKey."),
    "PM0709": Meaning("Header of a route not usable", "A route of a RouteGroup asks for, or sets, what is no header of an application: its name is not letters, digits and -, or it carries the request itself (host, connection, x-envoy-…). The whole route counts for nothing: requests of its key must not meet half of it.", "Use another header."),
    "PM0710": Meaning("Certificates are not verified", "Keys are to be believed of clients with certain certificates, at a listener that takes connections without one, or with any.", "Have the Gateway validate client certificates (spec.tls.frontend), with mode AllowValidOnly."),
    "PM0711": Meaning("Created at no known time", "A Sandbox or RouteGroup is to end some time after it was created, and does not say when that was. An API server writes it; in a folder you do.", "Write metadata.creationTimestamp, or count from updatedAt."),
    "PM0712": Meaning("Not deleted in time", "The time of a Sandbox or RouteGroup is over. Nothing leads to it any more, and the API server does not let it be deleted.", "Give the server the role that `pointsman install` would give it, or delete the object."),
    "PM0713": Meaning("Endpoint not served whole", "An endpoint gives a host a key, and with a target it leads the host to a Service. It has no host, or no listener serves that, or its target is nothing that it could lead to.", "Do what the message says: give it a hostname that a listener covers, and a Service as its target."),
    "PM0714": Meaning("Forks are not made here", "A Sandbox declares forks of Deployments. A server makes them that runs in a cluster and was started with --forks. A Service that has the name of a fork is led to all the same.", "Start the server with --forks and give it the role in deploy/forks, or run what is changed yourself and name its Service."),
    "PM0715": Meaning("Fork not as declared", "A fork of a Deployment could not be made or changed. What was made before goes on, and it is tried again.", "Do what the message says: make the Deployment, correct what is to be different, or allow the verb that is missing."),
    "PM0716": Meaning("Fork not permitted", "A fork is of a Deployment in the namespace of its Sandbox, and of each Deployment there is one.", "Make a Sandbox in the other namespace with the same routingKey, or name the Deployment once."),
    "PM0731": Meaning("Not possible in a mesh", "A mesh sends to Services, so a target of another kind cannot be named there, and the baseline answers. Sidecars of our own can.", "Make a Service for it, and name that; or use meshOutput: Sidecar."),
    "PM0720": Meaning("Host of an endpoint taken", "Routes take all requests to the host of an endpoint before its target does, as routes go first; or an older endpoint gives the host another key.", "Give the endpoint another hostname, or leave out its target."),
    "PM0732": Meaning("Mesh output not written", "The objects of a mesh could not be read or changed. What is there goes on; it is tried again.", "Do what the message says: install the kind, or allow the verb that is missing."),
    "PM0733": Meaning("Rule of a key not told to a mesh", "The rule cannot be said in the words of the mesh beside what a user's route asks for, or among routes of users. The baseline answers its requests, and those of rules behind it.", "Do without what the message names, in the rule or in the route."),
    "PM0902": Meaning("Kubernetes too old", "The definitions ask for functions that the API server does not have, so it does not take them.", "Use Kubernetes 1.31 or newer."),
    "PM0903": Meaning("Definition missing", "A CustomResourceDefinition is not in the cluster, or its API server does not serve it. Objects of its kind cannot be there.", "Run `pointsman install`."),
    "PM0904": Meaning("Definition of another version", "A CustomResourceDefinition has other fields than the one that this version was made for.", "Run `pointsman install`, unless the cluster has a newer one."),
    "PM0905": Meaning("Not installed", "The Deployment of the server is not in the namespace pointsman-system.", "Run `pointsman install`."),
    "PM0906": Meaning("Server not ready", "Pods of the server do not run, or are not ready. The message says what they say of themselves.", "Do what the message says; `kubectl -n pointsman-system logs deployment/pointsman` says more."),
    "PM0907": Meaning("Server may too little", "The account of the server lacks a right that the server needs, whatever role it was to come from.", "Run `pointsman install`, which applies the roles of this version."),
    "PM0908": Meaning("No GatewayClass", "No GatewayClass names this controller, so no Gateway is served.", "Run `pointsman install`, or create one with controllerName pointsman.io/gateway-controller."),
    "PM0909": Meaning("GatewayClass not accepted", "A GatewayClass names this controller, and the server has not accepted it: it does not run, or says why.", "Mend what the message says, and what else is found about the server."),
    "PM0910": Meaning("Nobody leads", "No replica holds the Lease, or it was not renewed of late. Proxies are served; no status is written, and no proxy is made.", "Look at the logs of the server, and at its rights on Leases."),
    "PM0911": Meaning("Clocks differ", "Two clocks are more than 30 s apart. Certificates are then not good yet, or not good any more, for one side.", "Synchronise the clocks of the nodes."),
    "PM0912": Meaning("Certificate not good", "A certificate of the server or of proxies is not good yet, has ended, or ends within a week. They are made anew ten days before.", "Remove the Secret and restart the server: it makes a new one."),
    "PM0913": Meaning("Gateway without an address", "The Service of the Gateway's proxies has type LoadBalancer, and nothing in the cluster gives it an address.", "Install something that does, or name addresses in spec.addresses of the Gateway."),
    "PM0914": Meaning("Proxies not ready", "Pods of the Gateway's proxies do not run, or are not ready. The message says what they say of themselves.", "Do what the message says."),
    "PM0915": Meaning("Not looked at", "Whoever asks may not read something that the diagnosis looks at.", "Ask with an account that may."),
    "PM0916": Meaning("Server not found by proxies", "The Service of the server leads to no Pod that is ready.", "Run `pointsman install`."),
    "PM0917": Meaning("Webhook not answered", "The API server is to ask about new Pods, and the server does not answer, or is not trusted to. Pods are made without sidecars.", "Run `pointsman install --webhook`; if the finding stays, the log of the leading replica says why."),
}
# fmt: on


def markdown() -> str:
    """docs/findings.md: a heading for each code, so that `findings.md#pm0107` leads to it."""
    lines = ["# Findings by code", "", "Written by `make findings` from `translator/findings.py`. A code never changes its meaning.", ""]
    for area, name in AREAS.items():
        held = {code: meaning for code, meaning in sorted(CODES.items()) if code.startswith(area)}
        if held:
            lines += [f"## {area}xx: {name}", ""]
        for code, meaning in held.items():
            lines += [f"### {code}", "", f"**{meaning.title}.** {meaning.explanation}", "", f"To mend it: {meaning.fix}", ""]
    return "\n".join(lines).rstrip("\n") + "\n"
