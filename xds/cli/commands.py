"""The commands and their options, and nothing else: what a command does stands in its own file, imported when it is called."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from xds.cli import laptop_commands
from xds.cli.cluster_commands import Context, Groups, Kube, Kubeconfig, Named, doctor, install, server, uninstall, where
from xds.cli.output import Exit, Output
from xds.cli.sandbox_commands import app as sandbox
from xds.crash import told
from xds.security import STREAMS, TRUST_DOMAIN

app = typer.Typer(
    name="pointsman",
    help="A control plane for Envoy. Start with:  pointsman demo --run",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of YAML and JSON, read with all below it; or one file.")]


def _unnamed(form: Output) -> Output:
    """Where there is nothing to name."""
    if form is Output.NAME:
        raise typer.BadParameter("there are no names here: use table, json or yaml")
    return form


Maybe = Annotated[Path | None, typer.Argument(metavar="DIR", help="A folder of YAML and JSON with all below it, or one file; or --kube.")]
Form = Annotated[Output, typer.Option("-o", "--output", help="How to answer.", callback=_unnamed)]
Bind = Annotated[str, typer.Option(help="Address on which Envoy opens the ports of Gateways.")]
Offset = Annotated[int, typer.Option(min=-65534, max=65534, help="Added to every port of a Gateway, so that 80 can be 10080.")]
Admin = Annotated[str, typer.Option(metavar="ADDR", help="The admin port, on loopback.")]
Allow = Annotated[bool, typer.Option("--allow-mass-deletion", help="Let more than half of a kind go at once.")]
Tls = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder with tls.crt, tls.key and ca.crt: TLS 1.3 with client certificates.")
]
Counted = Annotated[
    bool, typer.Option("--request-metrics", help="Count requests by rule, for /metrics, and those of each Sandbox, for sandbox map.")
]
ADMIN = "127.0.0.1:19000"
XDS = "127.0.0.1:18000"


@app.command("run")
def run_(
    directory: Folder,
    port_offset: Offset = 0,
    bind: Bind = "127.0.0.1",
    admin: Admin = ADMIN,
    allow: Allow = False,
    counted: Counted = False,
    sandbox_groups: Groups = None,
    output: Form = Output.TABLE,
) -> None:
    """Control plane and Envoy in one command; one line for each change.  Example: pointsman run ./demo"""
    from xds.cli.options import Options, groups
    from xds.cli.running import Running, run

    options = Options(
        admin=admin, bind=bind, port_offset=port_offset, allow_mass_deletion=allow, request_metrics=counted, groups=groups(sandbox_groups)
    )
    run(Running(directory, output, options))


@app.command()
def serve(
    files: Annotated[Path | None, typer.Option("--files", metavar="DIR", help="A folder of YAML and JSON, with all below.")] = None,
    kube: Annotated[bool, typer.Option("--kube", help="A Kubernetes cluster instead of files.")] = False,
    kubeconfig: Annotated[
        Path | None, typer.Option(metavar="FILE", help="As for kubectl; else KUBECONFIG, or what a Pod is given.")
    ] = None,
    context: Annotated[str | None, typer.Option(metavar="NAME", help="A context of the kubeconfig.")] = None,
    xds: Annotated[str, typer.Option(metavar="ADDR", help="Where Envoys ask: loopback or unix:/path; anywhere with --tls.")] = XDS,
    tls: Tls = None,
    trust_domain: Annotated[str, typer.Option(metavar="NAME", help="Of the certificates that are let in.")] = TRUST_DOMAIN,
    one_for_all: Annotated[
        bool, typer.Option("--one-for-all", help="With --tls: every proxy serves all Gateways, not only that of its certificate.")
    ] = False,
    streams: Annotated[
        int, typer.Option(min=1, metavar="N", help="With --tls: of one identity. A proxy needs one, two if it reports load.")
    ] = STREAMS,
    data_planes: Annotated[
        str, typer.Option(metavar="IMAGE", help="With --kube: Envoys of this image for each Gateway, in its namespace.")
    ] = "",
    reach: Annotated[str, typer.Option(metavar="HOST:PORT", help="With --data-planes: where they find this server.")] = "",
    ca: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="With --tls: ca.crt and ca.key, which sign for --data-planes. With neither: a CA in the cluster."),
    ] = None,
    replicas: Annotated[int, typer.Option(min=0, help="With --data-planes: Envoys of each Gateway.")] = 1,
    mesh: Annotated[bool, typer.Option("--mesh", help="With --kube: write what RouteGroups have for meshes (meshOutput).")] = False,
    forks: Annotated[bool, typer.Option("--forks", help="With --kube: make the forks of Deployments that Sandboxes declare.")] = False,
    signadot: Annotated[bool, typer.Option("--signadot", help="With --kube: read SignadotRoutes of its operator, too.")] = False,
    sandbox_groups: Groups = None,
    webhook: Annotated[
        str, typer.Option(metavar="ADDR", help="With --data-planes: where an API server asks which new Pods get a sidecar.")
    ] = "",
    admin: Admin = ADMIN,
    metrics: Annotated[str, typer.Option(metavar="ADDR", help="Where /metrics, /healthz and /readyz are for others too.")] = "",
    bind: Bind = "127.0.0.1",
    port_offset: Offset = 0,
    allow: Allow = False,
    counted: Counted = False,
    reflection: Annotated[bool, typer.Option("--reflection", help="Tell gRPC clients which services there are.")] = False,
    output: Form = Output.TABLE,
) -> None:
    """The server alone, for Envoys started elsewhere.  Example: pointsman serve --files ./demo"""
    from xds.cli.options import Options, cluster, groups, planes
    from xds.cli.running import Running, serve
    from xds.security.access import Limits, Policy

    chosen = planes(data_planes, reach, ca, replicas, counted=counted) if data_planes else None
    options = Options(
        cluster=cluster(files, kubeconfig, context, kube=kube), xds=xds, admin=admin, pages=metrics, bind=bind, port_offset=port_offset,
        allow_mass_deletion=allow, reflection=reflection, tls=str(tls or ""),
        policy=Policy(trust=trust_domain, shared=one_for_all, limits=Limits(streams=max(streams, 4 * replicas if chosen else 0))),
        planes=chosen, mesh=mesh, forks=forks, signadot=signadot,
        groups=groups(sandbox_groups), webhook=webhook, request_metrics=counted,
    )  # fmt: skip
    serve(Running(files, output, options))


@app.command()
def bootstrap(
    xds: Annotated[str, typer.Option(metavar="ADDR", help="Where the server listens.")] = XDS,
    node: Annotated[
        str, typer.Option(metavar="ID", help="Tells this Envoy from others; by default pointsman, or of its certificate.")
    ] = "",
    group: Annotated[str, typer.Option(metavar="G", help="What kind of Envoy it is; by default local, or of its certificate.")] = "",
    admin: Annotated[str, typer.Option(metavar="ADDR", help="Admin port of Envoy, on loopback.")] = "127.0.0.1:19001",
    loads: Annotated[bool, typer.Option("--load-reports", help="Let it report the load on each cluster (LRS).")] = False,
    counted: Annotated[bool, typer.Option("--request-metrics", help="Let it send what serve --request-metrics has it count.")] = False,
    tls: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder with tls.crt, tls.key and ca.crt of this Envoy.")] = None,
    server_name: Annotated[str, typer.Option(metavar="NAME", help="What the server's certificate must say; else the host of --xds.")] = "",
    print_sds: Annotated[
        str, typer.Option("--sds", metavar="own|cas", help="Print the sds-own.yaml or sds-cas.yaml that belongs beside them instead.")
    ] = "",
    output: Form = Output.YAML,
) -> None:
    """Print the Envoy bootstrap that fits the server.  Example: pointsman bootstrap > envoy.yaml && envoy -c envoy.yaml"""
    from xds.bootstrap import Bootstrap
    from xds.cli.showing import bootstrap, sds

    if print_sds:
        if tls is None:
            raise Exit(2, "--sds: name the folder of the certificates by --tls DIR")
        sds(tls, print_sds, output)
    else:
        of = Bootstrap(xds=xds, node=node, group=group, admin=admin, load_reports=loads, request_metrics=counted)
        bootstrap(of, tls, server_name, output)


@app.command()
def drain(
    admin: Annotated[str, typer.Option(metavar="ADDR", help="Admin port of Envoy.")] = "127.0.0.1:19001",
    least: Annotated[float, typer.Option(min=0, help="Seconds to go on at least, so that others hear of it.")] = 5,
    most: Annotated[float, typer.Option(min=0, help="Seconds to go on at most, while requests are open.")] = 45,
) -> None:
    """Before an Envoy is ended: let its requests finish, and send new ones elsewhere.  Example: pointsman drain"""
    from xds.cli.draining import drain

    drain(admin, least, most)


@app.command()
def certs(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where they are written.")],
    gateway: Annotated[
        list[str] | None, typer.Option(metavar="NS/NAME", help="A Gateway whose proxies get one; may be repeated. First: default/edge.")
    ] = None,
    host: Annotated[list[str] | None, typer.Option(metavar="NAME", help="A name or address of the server; may be repeated.")] = None,
    account: Annotated[str, typer.Option(metavar="NAME", help="The account that the proxies run by.")] = "envoy",
    trust_domain: Annotated[str, typer.Option(metavar="NAME", help="Of the certificates.")] = TRUST_DOMAIN,
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long they are good, the CA apart.")] = 365,
    renew: Annotated[bool, typer.Option("--renew", help="Make all of them anew, the CA apart.")] = False,
    new_ca: Annotated[bool, typer.Option("--new-ca", help="A new CA beside the old one: both are trusted from then on.")] = False,
    drop_old_ca: Annotated[bool, typer.Option("--drop-old-ca", help="Trust the newest CA only.")] = False,
    revoke: Annotated[
        list[str] | None, typer.Option(metavar="NS/NAME", help="Take back the certificate of a Gateway's proxies, and make a new one.")
    ] = None,
    output: Form = Output.TABLE,
) -> None:
    """Make a CA and certificates for a laptop.  Example: pointsman certs ./certs --gateway default/edge"""
    from xds.cli.certificates import Wanted, certs

    wanted = Wanted(tuple(gateway or ()), tuple(host or ()), account, trust_domain, days, renew, new_ca, drop_old_ca, tuple(revoke or ()))
    certs(directory, wanted, output)


@app.command()
def check(
    directory: Maybe = None,
    envoy: Annotated[bool, typer.Option("--envoy", help="Ask envoy --mode validate as well.")] = False,
    kube: Kube = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    sandbox_groups: Groups = None,
    output: Named = Output.TABLE,
) -> None:
    """Say what is wrong with files, without a server; exit code 1 where anything is.  Example: pointsman check ./demo --envoy"""
    from xds.cli.checking import check
    from xds.cli.options import groups

    check(where(directory, kube=kube, kubeconfig=kubeconfig, context=context), envoy, output, groups(sandbox_groups))


@app.command()
def render(
    directory: Maybe = None,
    bind: Bind = "127.0.0.1",
    port_offset: Offset = 0,
    flat: Annotated[bool, typer.Option("--flat", help="As an Envoy without the native module gets it.")] = False,
    kube: Kube = False,
    gateway: Annotated[str, typer.Option(metavar="NS/NAME", help="With --kube: what its own proxies get.")] = "",
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    sandbox_groups: Groups = None,
    output: Named = Output.YAML,
) -> None:
    """Print the Envoy resources that files become.  Example: pointsman render ./demo -o json"""
    from translator.ir.output import Group
    from xds.cli.options import groups
    from xds.cli.showing import render

    if gateway and not kube:
        raise Exit(2, "--gateway goes with --kube: files are served by one Envoy")
    source = where(directory, kube=kube, kubeconfig=kubeconfig, context=context)
    render(source, Group(bind=bind, port_offset=port_offset, flat=flat), gateway, output, groups(sandbox_groups))


@app.command()
def diff(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="A folder or a file; with --kube: what would be applied.")],
    after: Annotated[Path | None, typer.Argument(metavar="AFTER", help="What would be in its place.")] = None,
    flat: Annotated[bool, typer.Option("--flat", help="As an Envoy without the native module gets it.")] = False,
    kube: Kube = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    sandbox_groups: Groups = None,
    output: Named = Output.TABLE,
) -> None:
    """What a change would change in Envoy, statuses and findings; 1 if anything.  Example: pointsman diff ./demo ./new"""
    from translator.ir.output import Group
    from xds.cli.differing import diff
    from xds.cli.options import groups

    if kube == (after is not None):
        raise Exit(2, "say what to compare: BEFORE and AFTER, or --kube and what would be applied")
    source = where(None if kube else before, kube=kube, kubeconfig=kubeconfig, context=context)
    diff(source, after or before, Group(flat=flat), output, groups(sandbox_groups))


@app.command()
def export(
    mesh: Annotated[str, typer.Argument(metavar="istio|gateway-api", help="For whose sidecars; gateway-api is also Linkerd's.")],
    directory: Folder,
    sandbox_groups: Groups = None,
    output: Form = Output.YAML,
) -> None:
    """Print the objects by which a mesh leads keys to Sandboxes.  Example: pointsman export istio ./shop | kubectl apply -f -"""
    from xds.cli.exporting import export
    from xds.cli.options import groups

    export(mesh, directory, output, groups(sandbox_groups))


@app.command()
def inject(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Manifests of workloads and of their Services; - is standard input.")],
    reach: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where sidecars find the server.")],
    image: Annotated[str, typer.Option(metavar="IMAGE", help="With pointsman, envoy and nft in it.")],
    service: Annotated[str, typer.Option(metavar="NAME", help="Whose keys count, where several Services select a workload.")] = "",
    ca: Annotated[Path | None, typer.Option(metavar="DIR", help="ca.crt and ca.key: print a Secret with a certificate as well.")] = None,
    trust_domain: Annotated[str, typer.Option(metavar="NAME", help="Of the certificate.")] = TRUST_DOMAIN,
    counted: Annotated[bool, typer.Option("--request-metrics", help="Let them send what serve --request-metrics has them count.")] = False,
) -> None:
    """Print manifests with sidecars in them.  Example: pointsman inject shop.yaml --reach pointsman.ns:18000 --image pointsman:1"""
    from xds.bootstrap import split
    from xds.cli.injecting import Wanted, inject

    try:
        split(reach)
    except ValueError as error:
        raise Exit(2, f"--reach: {error}") from None
    inject(file, Wanted(image, reach, service, ca, trust_domain, counted))


@app.command()
def intercept(
    ports: Annotated[list[int], typer.Argument(metavar="PORT...", help="What the workload listens on.")],
    spare: Annotated[
        list[str] | None, typer.Option("--except", metavar="CIDR", help="Whose connections the workload gets itself; may be repeated.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Give them to nft, instead of printing them.")] = False,
) -> None:
    """The rules by which a Pod's kernel hands connections to its sidecar.  Example: pointsman intercept 8080 | nft -f -"""
    from xds.cli.injecting import intercept

    intercept(ports, spare or [], apply)


Targets = Annotated[
    list[str] | None, typer.Argument(metavar="[DIR] [KIND[/NAME]]", help="Files, or else the running server; a kind, a name.")
]


@app.command()
def status(
    targets: Targets = None,
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Only this namespace.")] = "",
    admin: Admin = ADMIN,
    kube: Kube = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    sandbox_groups: Groups = None,
    output: Named = Output.TABLE,
) -> None:
    """Conditions of every object, of files or of the running server.  Example: pointsman status ./demo route/shop"""
    from xds.cli.options import groups
    from xds.cli.showing import status

    where = server(admin, kube=kube, kubeconfig=kubeconfig, context=context)
    status(targets or [], namespace, where, output, groups(sandbox_groups))


@app.command()
def proxies(
    load: Annotated[bool, typer.Option("--load", help="What they report of the load on each cluster instead.")] = False,
    admin: Admin = ADMIN,
    kube: Kube = False,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Named = Output.TABLE,
) -> None:
    """What each connected Envoy was sent and has acknowledged.  Example: pointsman proxies --kube"""
    from xds.cli.showing import loads, proxies

    (loads if load else proxies)(server(admin, kube=kube, kubeconfig=kubeconfig, context=context), output)


@app.command()
def demo(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it.")] = Path("demo"),
    start: Annotated[bool, typer.Option("--run", help="Run it at once, with sample backends.")] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where Envoy takes requests.")] = 8080,
    admin: Admin = ADMIN,
    output: Form = Output.TABLE,
) -> None:
    """Write a starting point, if it is not there, and run it.  Example: pointsman demo --run"""
    from xds.cli.demonstration import demo

    demo(directory, start, port, admin, output)


app.add_typer(sandbox)
for command in (install, uninstall, doctor):
    app.command()(command)
laptop_commands.add(app, sandbox)


def run(arguments: list[str]) -> int:
    """The exit code of a command. Nobody ever sees a traceback, unless POINTSMAN_DEBUG asks for it."""
    try:
        app(arguments, standalone_mode=True, prog_name="pointsman")
    except Exit as end:
        if end.text:
            sys.stderr.write(f"pointsman: {end.text}\n")
        return end.code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except Exception as error:
        if os.environ.get("POINTSMAN_DEBUG"):
            raise
        sys.stderr.write(f"pointsman: {told(error)}. This is a bug; POINTSMAN_DEBUG=1 shows more.\n")
        return 1
    return 0
