package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/bench/internal/fan"
	"github.com/actionhero-go/actionhero/bench/internal/plot"
	"github.com/actionhero-go/actionhero/bench/internal/rooms"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

// growths holds the measurements of the flag -growth, each of which returns a plot.
var growths = []struct {
	name    string
	flat    bool // the figures should not depend on the size
	measure func(context.Context, *scale) (plot.Plot, error)
}{{"connections", true, growConnections}, {"actions", true, growActions}, {"rooms", true, growRooms}, {"payload", false, growPayload}}

// maxStep is the growth between two neighbours that is reported as a knee.
const maxStep = 1.25

// growth measures how figures grow and writes a plot for each name, a file in folder.
func growth(ctx context.Context, l *scale, names, folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	done := 0
	for _, g := range growths {
		if names != "all" && !strings.Contains(","+names+",", ","+g.name+",") {
			continue
		}
		done++
		p, err := g.measure(ctx, l)
		if err != nil {
			return fmt.Errorf("growth with %s: %w", g.name, err)
		}
		p.Note = fmt.Sprintf("%s, %s, %d slices of %v for each point, %s", runtime.Version(), runtime.GOARCH, l.passes, l.slice, time.Now().Format(time.DateOnly))
		fmt.Printf("%s\n", p.Title)
		for _, line := range p.Lines {
			fmt.Printf("  %-36s", line.Name)
			for i := range line.X {
				fmt.Printf("  %.4g: %.3g", line.X[i], line.Y[i])
			}
			fmt.Println()
			if g.flat {
				for _, knee := range line.Knees(maxStep) {
					fmt.Println("  knee:", knee)
				}
			}
		}
		if err := os.WriteFile(filepath.Join(folder, "growth-"+g.name+".svg"), []byte(p.SVG()), 0o644); err != nil {
			return err
		}
	}
	if done == 0 {
		return fmt.Errorf("there is no growth %q", names)
	}
	return nil
}

// curve collects the points of a line. Each point is measured in turn with the same first server, so that the load of the
// machine, which changes from point to point, changes both.
type curve struct {
	line  plot.Line
	first slices.Target
	cost  float64 // of a request to the first server, in µs of its processor time
}

func (c *curve) add(l *scale, x float64, t slices.Target) error {
	targets := []slices.Target{c.first, t}
	results, err := slices.Run(targets, l.passes, l.slice)
	if err != nil {
		return fmt.Errorf("%s at %v: %w", c.line.Name, x, err)
	}
	if c.cost == 0 {
		c.cost = 1e6 / slices.Quantile(results[0].PerCPU, 0.5)
	}
	c.line.X, c.line.Y = append(c.line.X, x), append(c.line.Y, c.cost/slices.Quantile(results[1].Ratio, 0.5))
	return nil
}

const perRequest = "µs of processor time for a request"

var calm = []string{"ACTIONHERO_WEB_SOCKETS_PING_INTERVAL=1h", "ACTIONHERO_WEB_SOCKETS_PING_TIMEOUT=1h", "ACTIONHERO_GENERAL_MAX_ROOMS=1000"}

// growConnections measures requests next to idle WebSocket connections.
func growConnections(ctx context.Context, l *scale) (plot.Plot, error) {
	p := plot.Plot{Title: "Requests next to idle connections", X: "idle connections", Y: perRequest}
	first, err := startServerWith(ctx, "actionhero", l.ours, l.dir, calm)
	if err != nil {
		return p, err
	}
	defer func() { _ = first.Stop() }()
	talk, hangUp, err := talkers(first.Addr, rooms.PlainWebSocket.Request)
	defer hangUp()
	if err != nil {
		return p, err
	}
	get := curve{line: plot.Line{Name: "GET"}, first: slices.Target{Server: first, Load: load(first.Addr)}}
	action := curve{line: plot.Line{Name: "action over WebSocket"}, first: slices.Target{Server: first, Load: talk}}
	for _, n := range []int{10, 100, 1000, 10_000, 19_000} {
		if err := growConnection(ctx, l, n, &get, &action); err != nil {
			return p, err
		}
	}
	p.Lines = []plot.Line{get.line, action.line}
	return p, nil
}

func growConnection(ctx context.Context, l *scale, n int, get, action *curve) error {
	s, err := startServerWith(ctx, "actionhero", l.ours, l.dir, calm)
	if err != nil {
		return err
	}
	defer func() { _ = s.Stop() }()
	conns, err := fan.Dial(s.Addr, n, rooms.PlainWebSocket.Greet)
	defer fan.CloseAll(conns)
	if err != nil {
		return err
	}
	if err := get.add(l, float64(n), slices.Target{Server: s, Load: load(s.Addr)}); err != nil {
		return err
	}
	talk, hangUp, err := talkers(s.Addr, rooms.PlainWebSocket.Request)
	defer hangUp()
	if err != nil {
		return err
	}
	return action.add(l, float64(n), slices.Target{Server: s, Load: talk})
}

// talkers opens the connections of a load over plain WebSocket, each with a room of its own, and returns the load, in which
// each connection sends one of its requests at a time, in turn. "%d" in a request is the number of the connection.
func talkers(addr string, requests ...string) (load func(time.Duration) (int, error), hangUp func(), err error) {
	var conns []net.Conn
	hangUp = func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}
	ins := make([]*bufio.Reader, connections)
	for i := range connections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return nil, hangUp, err
		}
		conns = append(conns, conn)
		if ins[i], err = rooms.PlainWebSocket.Join(conn); err != nil {
			return nil, hangUp, err
		}
		if err := ask(conn, ins[i], strings.ReplaceAll(moveTo("own"), "%d", fmt.Sprint(i))); err != nil {
			return nil, hangUp, err
		}
	}
	return parallel(connections, func(i int, stop time.Time) (n int, err error) {
		var own []string
		for _, request := range requests {
			own = append(own, strings.ReplaceAll(request, "%d", fmt.Sprint(i)))
		}
		for ; time.Now().Before(stop); n++ {
			if err := ask(conns[i], ins[i], own[n%len(own)]); err != nil {
				return n, err
			}
		}
		return n, nil
	}), hangUp, nil
}

// ask sends a message with the id rooms.ID and waits for its answer.
func ask(conn net.Conn, in *bufio.Reader, message string) error {
	if _, err := conn.Write(rooms.Frame(message)); err != nil {
		return err
	}
	return rooms.Await(in, []byte(rooms.ID))
}

// growActions measures requests to a server with many actions, each with a route.
func growActions(ctx context.Context, l *scale) (plot.Plot, error) {
	p := plot.Plot{Title: "Requests to a server with many actions", X: "actions, each with a route", Y: perRequest}
	name := curve{line: plot.Line{Name: "GET by name"}}
	route := curve{line: plot.Line{Name: "by a route with a value"}}
	for _, n := range grownActions {
		s, err := l.serve(ctx, manyActions(n))
		if err != nil {
			return p, err
		}
		defer func() { _ = s.Stop() }()
		byName := slices.Target{Server: s, Load: loadPath(s.Addr, target, "")}
		byRoute := slices.Target{Server: s, Load: loadPath(s.Addr, "/numbers/17?limit=10&offset=5", "")}
		if name.first.Server == nil {
			name.first, route.first = byName, byRoute
		}
		if err := name.add(l, float64(n), byName); err != nil {
			return p, err
		}
		if err := route.add(l, float64(n), byRoute); err != nil {
			return p, err
		}
	}
	p.Lines = []plot.Line{name.line, route.line}
	return p, nil
}

// growRooms measures requests and messages to a server with many rooms. Up to 1,000 idle connections are their members.
func growRooms(ctx context.Context, l *scale) (plot.Plot, error) {
	p := plot.Plot{Title: "Requests and messages of a server with many rooms", X: "rooms with members", Y: perRequest}
	get, say := curve{line: plot.Line{Name: "GET"}}, curve{line: plot.Line{Name: "say in a room"}}
	change := curve{line: plot.Line{Name: "roomChange"}}
	for _, n := range []int{1, 10, 100, 1000, 10_000, 100_000} {
		s, err := startServerWith(ctx, "actionhero", l.ours, l.dir, calm)
		if err != nil {
			return p, err
		}
		defer func() { _ = s.Stop() }()
		conns, err := fan.Dial(s.Addr, min(n, 1000), enterRooms(n))
		defer fan.CloseAll(conns)
		if err != nil {
			return p, err
		}
		for _, c := range []struct {
			curve    *curve
			messages []string
		}{{&get, nil}, {&say, []string{rooms.PlainWebSocket.Say}}, {&change, []string{moveTo("first"), moveTo("second")}}} {
			t := slices.Target{Server: s, Load: load(s.Addr)}
			if c.messages != nil {
				talk, hangUp, err := talkers(s.Addr, c.messages...)
				defer hangUp()
				if err != nil {
					return p, err
				}
				t.Load = talk
			}
			if c.curve.first.Server == nil {
				c.curve.first = t
			}
			if err := c.curve.add(l, float64(n), t); err != nil {
				return p, err
			}
		}
	}
	p.Lines = []plot.Line{get.line, say.line, change.line}
	return p, nil
}

// moveTo returns the message with which a connection changes to a room of its own.
func moveTo(room string) string {
	return fmt.Sprintf(`{"event":"roomChange","id":"%s","room":"%s of %%d"}`, rooms.ID, room)
}

// enterRooms returns a function that lets connections enter n rooms in all, each its share.
func enterRooms(n int) func(net.Conn) error {
	next := 0
	return func(conn net.Conn) error {
		in, err := rooms.PlainWebSocket.Join(conn)
		if err != nil {
			return err
		}
		for range max(1, n/1000) {
			next++
			if err := ask(conn, in, fmt.Sprintf(`{"event":"roomAdd","id":"%s","room":"many %d"}`, rooms.ID, next)); err != nil {
				return err
			}
		}
		return nil
	}
}

// The servers of the growth with the payload: both have a GET whose answer, and a POST whose body, has a text of any length.
const (
	payloadServer = "actionhero, payloads"
	payloadPeer   = "net/http, payloads"
	payloadPath   = "/api/payload"
)

type payload struct {
	Text string `json:"text" doc:"a text of any length"`
}

type payloadInput struct {
	payload
	Size int `json:"size" minimum:"0" maximum:"20000000" doc:"the length of the text in the answer"`
}

func init() {
	peers[payloadServer] = func(addr string) error {
		s, err := newServer(addr, actionhero.Action[payloadInput, payload]{
			Name: "payload", Access: actionhero.Public, MaxBody: 1 << 25,
			Run: func(_ context.Context, in payloadInput) (payload, error) { return payload{longText(in.Size)}, nil },
		})
		if err != nil {
			return err
		}
		return s.Run(context.Background())
	}
	peers[payloadPeer] = func(addr string) error {
		return http.ListenAndServe(addr, http.HandlerFunc(servePayload))
	}
}

var longest = strings.Repeat("payload ", 2<<20)

func longText(n int) string { return longest[:min(n, len(longest))] }
