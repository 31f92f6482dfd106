// Server is go-control-plane as its users run it: a SnapshotCache or LinearCaches behind its own server.
//
// All streams share one snapshot, which is the best case for a SnapshotCache: Envoy Gateway keeps one for each node.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"runtime/debug"
	"strconv"
	"time"

	cluster "github.com/envoyproxy/go-control-plane/envoy/config/cluster/v3"
	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	endpoint "github.com/envoyproxy/go-control-plane/envoy/config/endpoint/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"github.com/envoyproxy/go-control-plane/pkg/cache/types"
	"github.com/envoyproxy/go-control-plane/pkg/cache/v3"
	"github.com/envoyproxy/go-control-plane/pkg/server/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"pointsman/bench/wire"
)

const node = "all"

type constant struct{}

func (constant) ID(*core.Node) string { return node }

// Resources of one type, in the order of their numbers.
type resources map[string][]types.Resource

type peer interface {
	cache() cache.Cache
	change(url string, number int, to types.Resource) error
}

type snapshots struct {
	all     resources
	version int
	held    cache.SnapshotCache
}

func (p *snapshots) cache() cache.Cache { return p.held }

func (p *snapshots) change(url string, number int, to types.Resource) error {
	p.all[url][number] = to
	return p.set()
}

func (p *snapshots) set() error {
	p.version++
	snapshot, err := cache.NewSnapshot(strconv.Itoa(p.version), p.all)
	if err != nil {
		return err
	}
	return p.held.SetSnapshot(context.Background(), node, snapshot)
}

type linear map[string]*cache.LinearCache

func (p linear) cache() cache.Cache {
	caches := map[string]cache.Cache{}
	for url, one := range p {
		caches[url] = one
	}
	return &cache.MuxCache{
		Classify:      func(request *cache.Request) string { return request.GetTypeUrl() },
		ClassifyDelta: func(request *cache.DeltaRequest) string { return request.GetTypeUrl() },
		Caches:        caches,
	}
}

func (p linear) change(url string, number int, to types.Resource) error {
	return p[url].UpdateResource(cache.GetResourceName(to), to)
}

func newPeer(kind string, all resources) (peer, error) {
	if kind == "snapshot" {
		p := &snapshots{all: all, held: cache.NewSnapshotCache(false, constant{}, nil)}
		return p, p.set()
	}
	p := linear{}
	for url, every := range all {
		named := map[string]types.Resource{}
		for _, one := range every {
			named[cache.GetResourceName(one)] = one
		}
		p[url] = cache.NewLinearCache(url, cache.WithInitialResources(named))
	}
	return p, nil
}

func fill(size, secrets int) resources {
	all := resources{}
	for number := range size {
		all[wire.ClusterURL] = append(all[wire.ClusterURL], makeOne(wire.ClusterURL, number, 0))
		all[wire.EndpointURL] = append(all[wire.EndpointURL], makeOne(wire.EndpointURL, number, 0))
	}
	for number := range secrets {
		all[wire.SecretURL] = append(all[wire.SecretURL], makeOne(wire.SecretURL, number, 0))
	}
	return all
}

// makeOne makes what tests/bench/made.py makes: both sides serve the same.
func makeOne(url string, number, edition int) types.Resource {
	switch url {
	case wire.ClusterURL:
		return &cluster.Cluster{
			Name:                 fmt.Sprintf("cluster-%05d", number),
			ClusterDiscoveryType: &cluster.Cluster_Type{Type: cluster.Cluster_EDS},
			EdsClusterConfig: &cluster.Cluster_EdsClusterConfig{EdsConfig: &core.ConfigSource{
				ResourceApiVersion:    core.ApiVersion_V3,
				ConfigSourceSpecifier: &core.ConfigSource_Ads{Ads: &core.AggregatedConfigSource{}},
			}},
			ConnectTimeout: &durationpb.Duration{Seconds: 5, Nanos: int32(edition)},
			AltStatName:    fmt.Sprintf("service/shop/backend-%05d/8080", number),
		}
	case wire.EndpointURL:
		return &endpoint.ClusterLoadAssignment{
			ClusterName: fmt.Sprintf("cluster-%05d", number),
			Endpoints: []*endpoint.LocalityLbEndpoints{{LbEndpoints: []*endpoint.LbEndpoint{
				address(number, 1, edition), address(number, 2, edition), address(number, 3, edition),
			}}},
		}
	default:
		text := fmt.Sprintf("%-3000s", fmt.Sprintf("key %d of secret %d", edition, number))
		return &tls.Secret{
			Name: fmt.Sprintf("secret-%05d", number),
			Type: &tls.Secret_TlsCertificate{TlsCertificate: &tls.TlsCertificate{
				PrivateKey: &core.DataSource{Specifier: &core.DataSource_InlineString{InlineString: text}},
			}},
		}
	}
}

func address(number, last, edition int) *endpoint.LbEndpoint {
	return &endpoint.LbEndpoint{HostIdentifier: &endpoint.LbEndpoint_Endpoint{Endpoint: &endpoint.Endpoint{
		Address: &core.Address{Address: &core.Address_SocketAddress{SocketAddress: &core.SocketAddress{
			Address:       fmt.Sprintf("10.%d.%d.%d", number>>8, number&255, last),
			PortSpecifier: &core.SocketAddress_PortValue{PortValue: uint32(8080 + edition%1000)},
		}}},
	}}}
}

type command struct {
	Do      string `json:"do"` // "change", or "rest": give back what memory is not needed
	Type    string `json:"type"`
	Number  int    `json:"number"`
	Edition int    `json:"edition"`
}

func main() {
	kind := flag.String("cache", "snapshot", "snapshot or linear")
	size := flag.Int("resources", 100, "clusters, and endpoints of each")
	secrets := flag.Int("secrets", 0, "secrets")
	var files wire.Files
	flag.StringVar(&files.Cert, "cert", "", "certificate chain of the server")
	flag.StringVar(&files.Key, "key", "", "its key")
	flag.StringVar(&files.CA, "ca", "", "who signs clients")
	flag.Parse()

	served, err := newPeer(*kind, fill(*size, *secrets))
	if err != nil {
		wire.Fail(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		wire.Fail(err)
	}
	shell := grpc.NewServer(grpc.MaxConcurrentStreams(1<<20), grpc.MaxRecvMsgSize(64<<20), grpc.Creds(files.Credentials(true)))
	discovery.RegisterAggregatedDiscoveryServiceServer(shell, server.NewServer(context.Background(), served.cache(), nil))
	go shell.Serve(listener)
	wire.Say(map[string]string{"address": listener.Addr().String()})
	wire.Serve(func(asked command) (any, error) {
		if asked.Do == "rest" {
			debug.FreeOSMemory()
			return struct{}{}, nil
		}
		one := makeOne(asked.Type, asked.Number, asked.Edition)
		since := time.Now().UnixNano()
		return map[string]int64{"since": since}, served.change(asked.Type, asked.Number, one)
	})
}
