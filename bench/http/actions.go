package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
	"github.com/actionhero-go/actionhero/internal/heapfloor"
	stock "github.com/actionhero-go/actionhero/server"
)

// actionCounts lists the numbers of actions next to the measured ones.
var actionCounts = []int{0, 100, 2000}

// grownActions lists the numbers of actions of the plot.
var grownActions = []int{10, 100, 1000, 10_000}

func init() {
	for _, n := range append(grownActions, actionCounts...) {
		peers[manyActions(n)] = func(addr string) error { return serveActions(n, addr) }
	}
}

func manyActions(n int) string { return fmt.Sprintf("%d more actions", n) }

// actions measures a GET of a server with few and with many actions, each with a route, the same through a route with a
// value, and the start with many actions.
func actions(ctx context.Context, l *scale) error {
	if l.base {
		return errors.New("the scale actions has no -base: its servers are a part of this program")
	}
	var targets []slices.Target
	for _, n := range actionCounts {
		s, err := l.serve(ctx, manyActions(n))
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		targets = append(targets, slices.Target{Server: s, Load: loadPath(s.Addr, "/api/randomNumber?limit=10&offset=5", "")})
		if n > 0 {
			routed := *s
			routed.Name += ", through a route with a value"
			targets = append(targets, slices.Target{Server: &routed, Load: loadPath(s.Addr, "/numbers/17?limit=10&offset=5", "")})
		}
	}
	if err := l.table("GET with many actions", targets); err != nil {
		return err
	}
	if l.noStarts {
		return nil
	}
	return starts(ctx, l)
}

// starts prints how long a server with many actions needs to listen, and the memory of an action.
func starts(ctx context.Context, l *scale) error {
	var first int64
	for _, n := range actionCounts {
		var took []float64
		var rss int64
		for range l.passes {
			begun := time.Now()
			s, err := l.serve(ctx, manyActions(n))
			if err != nil {
				return err
			}
			took = append(took, time.Since(begun).Seconds()*1000)
			if rss, err = s.RSS(); err != nil {
				return err
			}
			if err := s.Stop(); err != nil {
				return err
			}
		}
		if n == 0 {
			first = rss
		}
		fmt.Printf("%s: %.0f ms until it listens, %.1f MB resident", manyActions(n), slices.Quantile(took, 0.5), float64(rss)/(1<<20))
		if n > 0 {
			fmt.Printf(", %.1f KiB for each action", float64(rss-first)/float64(n)/1024)
		}
		fmt.Println()
	}
	return nil
}

type numberInput struct {
	Max int `json:"max" minimum:"1" doc:"the number is below it"`
}

// serveActions serves the action randomNumber with a second route, and n more actions, until the process ends.
func serveActions(n int, addr string) error {
	defer heapfloor.Keep(16 << 20)() // as the command start does
	s, err := actionsServer(n, addr)
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}

func actionsServer(n int, addr string) (*stock.Server, error) {
	parts := actionhero.Parts{
		actionhero.Action[actionhero.None, numberOutput]{
			Name: "randomNumber", Kind: actionhero.KindRead, Access: actionhero.Public,
			Run: func(context.Context, actionhero.None) (numberOutput, error) { return numberOutput{rand.Float64()}, nil },
		},
		actionhero.Action[numberInput, numberOutput]{
			Name: "numberBelow", Route: "GET /numbers/{max}", Kind: actionhero.KindRead, Access: actionhero.Public,
			Run: func(_ context.Context, in numberInput) (numberOutput, error) {
				return numberOutput{rand.Float64() * float64(in.Max)}, nil
			},
		},
	}
	return newServer(addr, append(parts, manyParts(n)...)...)
}

// newServer returns a server of this repository at addr, without a log of requests.
func newServer(addr string, parts ...actionhero.Part) (*stock.Server, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	var cfg stock.Config
	cfg.HTTPServer.BindIP = host
	if cfg.HTTPServer.Port, err = strconv.Atoi(port); err != nil {
		return nil, err
	}
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, host
	cfg.Tasks.Memory = true
	cfg.Log.LogRequests = new(bool)
	return stock.New(cfg, parts...)
}

// The types d0 to d12 make 13³ = 2,197 different types of inputs and outputs: types that an app shares between actions would
// be compiled once.
type (
	d0  struct{}
	d1  struct{}
	d2  struct{}
	d3  struct{}
	d4  struct{}
	d5  struct{}
	d6  struct{}
	d7  struct{}
	d8  struct{}
	d9  struct{}
	d10 struct{}
	d11 struct{}
	d12 struct{}
)

// itemInput has the inputs of a usual action.
type itemInput[A, B, C any] struct {
	ID    int      `json:"id" minimum:"1" doc:"the number of the item"`
	Name  string   `json:"name" required:"true" minLength:"1" maxLength:"80" doc:"its name"`
	Code  string   `json:"code" pattern:"^[A-Z]{2}-[0-9]+$" doc:"its code"`
	Tags  []string `json:"tags" maxItems:"10" doc:"its tags"`
	Price float64  `json:"price" minimum:"0" default:"1" doc:"its price"`
}

type itemOutput[A, B, C any] struct {
	ID    int      `json:"id"`
	Name  string   `json:"name"`
	Tags  []string `json:"tags"`
	Price float64  `json:"price"`
}

type partsMaker struct{ parts []actionhero.Part }

// manyParts returns n actions. The types repeat after 2,197 of them.

func manyParts(n int) []actionhero.Part {
	m := &partsMaker{}
	for len(m.parts) < n {
		m.all()
	}
	return m.parts[:n]
}

func (m *partsMaker) all() {
	first[d0](m)
	first[d1](m)
	first[d2](m)
	first[d3](m)
	first[d4](m)
	first[d5](m)
	first[d6](m)
	first[d7](m)
	first[d8](m)
	first[d9](m)
	first[d10](m)
	first[d11](m)
	first[d12](m)
}

func first[A any](m *partsMaker) {
	second[A, d0](m)
	second[A, d1](m)
	second[A, d2](m)
	second[A, d3](m)
	second[A, d4](m)
	second[A, d5](m)
	second[A, d6](m)
	second[A, d7](m)
	second[A, d8](m)
	second[A, d9](m)
	second[A, d10](m)
	second[A, d11](m)
	second[A, d12](m)
}

func second[A, B any](m *partsMaker) {
	add[A, B, d0](m)
	add[A, B, d1](m)
	add[A, B, d2](m)
	add[A, B, d3](m)
	add[A, B, d4](m)
	add[A, B, d5](m)
	add[A, B, d6](m)
	add[A, B, d7](m)
	add[A, B, d8](m)
	add[A, B, d9](m)
	add[A, B, d10](m)
	add[A, B, d11](m)
	add[A, B, d12](m)
}

func add[A, B, C any](m *partsMaker) {
	n := len(m.parts)
	m.parts = append(m.parts, actionhero.Action[itemInput[A, B, C], itemOutput[A, B, C]]{
		Name: fmt.Sprint("item", n), Route: fmt.Sprintf("POST /items%d/{id}", n), Access: actionhero.Public,
		Run: func(_ context.Context, in itemInput[A, B, C]) (itemOutput[A, B, C], error) {
			return itemOutput[A, B, C]{in.ID, strings.ToUpper(in.Name), in.Tags, in.Price}, nil
		},
	})
}
