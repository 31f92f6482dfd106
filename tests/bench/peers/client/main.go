// Client is any number of delta ADS streams, each over a connection of its own as proxies have it. It ACKs whatever comes.
//
// It reads responses as bytes and counts what is in them; it never makes messages of them, so that one process can be a
// thousand proxies.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/credentials"

	"pointsman/bench/wire"
)

type command struct {
	Do      string   `json:"do"`
	Streams int      `json:"streams"` // open: how many more
	Type    string   `json:"type"`
	Names   []string `json:"names"`   // open: what is asked for; none: everything
	Resume  bool     `json:"resume"`  // open: say which versions are held already
	Each    int64    `json:"each"`    // await: so many resources on each stream that reads
	Since   int64    `json:"since"`   // await: when the change was made, Unix time in ns
	Stream  int      `json:"stream"`  // pause: which one
	Seconds float64  `json:"seconds"` // await: at most
}

// counts since the last await: bodies are the resources alone, bytes whole responses, wire all that came over connections.
type counts struct {
	resources, removed, bodies, bytes, responses, wire atomic.Int64
}

func (c *counts) take() map[string]int64 {
	return map[string]int64{
		"resources": c.resources.Swap(0), "removed": c.removed.Swap(0), "bodies": c.bodies.Swap(0),
		"bytes": c.bytes.Swap(0), "responses": c.responses.Swap(0), "wire": c.wire.Swap(0),
	}
}

// all streams, and what they have in common: they want the same, so what the first one holds, every one holds.
type all struct {
	address string
	modules []any // what each node says its native module can do
	secure  credentials.TransportCredentials
	streams []*stream
	held    map[string]string
	counts  counts
	opened  int
}

func (a *all) open(asked command) error {
	var initial map[string]string
	if asked.Resume {
		initial = a.held
	}
	for range asked.Streams {
		one := &stream{all: a, url: asked.Type, first: len(a.streams) == 0, name: fmt.Sprintf("bench/edge/%d", a.opened)}
		a.opened++
		request, err := opening(one.name, a.modules, asked.Type, asked.Names, initial)
		if err != nil {
			return err
		}
		if err := one.open(request); err != nil {
			return err
		}
		a.streams = append(a.streams, one)
	}
	return nil
}

// await waits until every stream that reads has what is awaited, and tells when each had it.
func (a *all) await(asked command) (any, error) {
	deadline := time.Now().Add(time.Duration(asked.Seconds * float64(time.Second)))
	times := make([]int64, 0, len(a.streams))
	for number, one := range a.streams {
		if one.paused() {
			continue
		}
		for one.resources.Load() < asked.Each {
			if err := one.failure.Load(); err != nil {
				return nil, fmt.Errorf("stream %d: %w", number, *err)
			}
			if time.Now().After(deadline) {
				return nil, fmt.Errorf("stream %d has %d of %d resources", number, one.resources.Load(), asked.Each)
			}
			time.Sleep(100 * time.Microsecond)
		}
		one.resources.Add(-asked.Each)
		times = append(times, one.last.Load()-asked.Since)
	}
	return map[string]any{"times": times, "counts": a.counts.take()}, nil
}

func (a *all) drop() {
	for _, one := range a.streams {
		one.close()
	}
	a.streams = nil
}

func (a *all) answer(asked command) (any, error) {
	var err error
	switch asked.Do {
	case "open":
		err = a.open(asked)
	case "await":
		return a.await(asked)
	case "mark":
		for _, one := range a.streams {
			one.resources.Store(0)
		}
		return map[string]any{"counts": a.counts.take()}, nil
	case "pause":
		a.streams[asked.Stream].pause(true)
	case "resume":
		a.streams[asked.Stream].pause(false)
	case "drop":
		a.drop()
	case "held":
		return a.held, nil
	default:
		text, _ := json.Marshal(asked)
		err = fmt.Errorf("unknown command %s", text)
	}
	return struct{}{}, err
}

func main() {
	address := flag.String("address", "", "host:port of the server")
	module := flag.String("module", "", "what the native module of each proxy can do")
	var files wire.Files
	flag.StringVar(&files.Cert, "cert", "", "certificate chain of the client")
	flag.StringVar(&files.Key, "key", "", "its key")
	flag.StringVar(&files.CA, "ca", "", "who signs the server")
	flag.Parse()
	a := &all{address: *address, secure: files.Credentials(false), held: map[string]string{}}
	if *module != "" {
		a.modules = []any{*module}
	}
	wire.Serve(a.answer)
}
