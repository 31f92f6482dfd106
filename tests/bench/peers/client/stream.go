package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

const method = "/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources"

var description = grpc.StreamDesc{ClientStreams: true, ServerStreams: true}

// asBytes passes messages through as they are.
type asBytes struct{}

func (asBytes) Marshal(message any) ([]byte, error) { return message.([]byte), nil }

func (asBytes) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append((*message.(*[]byte))[:0], data...)
	return nil
}

func (asBytes) Name() string { return "proto" }

// counted is a connection whose bytes, with all framing, are added up.
type counted struct {
	net.Conn
	read *atomic.Int64
}

func (c counted) Read(into []byte) (int, error) {
	many, err := c.Conn.Read(into)
	c.read.Add(int64(many))
	return many, err
}

type stream struct {
	all       *all
	name, url string
	first     bool // it keeps names and versions
	resources atomic.Int64
	last      atomic.Int64 // when the last response came, Unix time in ns
	failure   atomic.Pointer[error]
	gate      sync.Mutex // locked while it does not read
	stopped   atomic.Bool
	client    *grpc.ClientConn
	cancel    context.CancelFunc
}

func opening(node string, modules []any, url string, names []string, initial map[string]string) ([]byte, error) {
	metadata, err := structpb.NewStruct(map[string]any{"pointsman.io/modules": modules})
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&discovery.DeltaDiscoveryRequest{
		Node:                    &core.Node{Id: node, Cluster: "local", Metadata: metadata},
		TypeUrl:                 url,
		ResourceNamesSubscribe:  names,
		InitialResourceVersions: initial,
	})
}

func (s *stream) open(request []byte) error {
	dial := func(ctx context.Context, address string) (net.Conn, error) {
		plain, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		return counted{plain, &s.all.counts.wire}, err
	}
	client, err := grpc.NewClient("passthrough:///"+s.all.address,
		grpc.WithTransportCredentials(s.all.secure), grpc.WithContextDialer(dial),
		grpc.WithDefaultCallOptions(grpc.ForceCodec(asBytes{}), grpc.MaxCallRecvMsgSize(64<<20)))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.client, s.cancel = client, cancel
	call, err := client.NewStream(ctx, &description, method)
	if err != nil {
		return err
	}
	if err := call.SendMsg(request); err != nil {
		return err
	}
	go s.read(call)
	return nil
}

func (s *stream) close() {
	s.cancel()
	s.client.Close()
}

func (s *stream) pause(stop bool) {
	if stop {
		s.gate.Lock()
	} else {
		s.gate.Unlock()
	}
	s.stopped.Store(stop)
}

func (s *stream) paused() bool { return s.stopped.Load() }

func (s *stream) read(call grpc.ClientStream) {
	var data []byte
	for {
		err := call.RecvMsg(&data)
		if err == nil {
			s.gate.Lock()
			s.gate.Unlock()
			err = s.take(call, data)
		}
		if err != nil {
			s.failure.Store(&err)
			return
		}
	}
}

// take counts one response and ACKs it.
func (s *stream) take(call grpc.ClientStream, data []byte) error {
	response, err := s.scan(data)
	if err != nil {
		return err
	}
	ack, err := proto.Marshal(&discovery.DeltaDiscoveryRequest{TypeUrl: response.url, ResponseNonce: response.nonce})
	if err != nil {
		return err
	}
	if err := call.SendMsg(ack); err != nil {
		return err
	}
	s.all.counts.responses.Add(1)
	s.all.counts.bytes.Add(int64(len(data)))
	s.all.counts.bodies.Add(response.bodies)
	s.all.counts.resources.Add(response.resources)
	s.all.counts.removed.Add(response.removed)
	s.last.Store(time.Now().UnixNano())
	s.resources.Add(response.resources)
	return nil
}

type response struct {
	url, nonce                 string
	resources, removed, bodies int64
}

// scan reads the fields of a DeltaDiscoveryResponse that matter here: all of them are strings or messages.
func (s *stream) scan(data []byte) (response, error) {
	var found response
	for len(data) > 0 {
		field, value, rest, err := next(data)
		if err != nil {
			return found, err
		}
		data = rest
		switch field {
		case 2:
			found.resources++
			found.bodies += int64(len(field2(field2(value))))
			if s.first {
				if err := s.keep(value); err != nil {
					return found, err
				}
			}
		case 4:
			found.url = string(value)
		case 5:
			found.nonce = string(value)
		case 6:
			found.removed++
		}
	}
	if found.nonce == "" {
		return found, errors.New("a response without a nonce")
	}
	return found, nil
}

func next(data []byte) (protowire.Number, []byte, []byte, error) {
	field, kind, size := protowire.ConsumeTag(data)
	if size < 0 {
		return 0, nil, nil, errors.New("a response that is no message")
	}
	data = data[size:]
	if kind != protowire.BytesType {
		size = protowire.ConsumeFieldValue(field, kind, data)
		if size < 0 {
			return 0, nil, nil, fmt.Errorf("field %d cannot be read", field)
		}
		return 0, nil, data[size:], nil
	}
	value, size := protowire.ConsumeBytes(data)
	if size < 0 {
		return 0, nil, nil, fmt.Errorf("field %d is cut off", field)
	}
	return field, value, data[size:], nil
}

// field2 is what a message has in its field 2: of a Resource the Any, of an Any the message in it.
func field2(data []byte) []byte {
	for len(data) > 0 {
		field, value, rest, err := next(data)
		if err != nil || field == 2 {
			return value
		}
		data = rest
	}
	return nil
}

func (s *stream) keep(data []byte) error {
	var one discovery.Resource
	if err := proto.Unmarshal(data, &one); err != nil {
		return err
	}
	s.all.held[one.Name] = one.Version
	return nil
}
