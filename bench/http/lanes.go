package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
	"github.com/actionhero-go/actionhero/internal/devcert"
)

// secureServer is the peer of the lanes over TLS. Its certificate is in the folder that certVariable names.
const (
	secureServer = "net/http over TLS"
	certVariable = "BENCH_CERT"
)

func init() {
	peers[secureServer] = func(addr string) error {
		mux := http.NewServeMux()
		mux.HandleFunc("GET "+path, plain)
		dir := os.Getenv(certVariable)
		return http.ListenAndServeTLS(addr, filepath.Join(dir, devcert.ServerCert), filepath.Join(dir, devcert.ServerKey), mux)
	}
}

const target = path + "?limit=10&offset=5"

// The requests of the lanes.
const (
	keptAlive = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
	closing   = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
	oldest    = "GET " + target + " HTTP/1.0\r\n\r\n"
	chunked   = "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
	expecting = "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n" // its body is {}
)

// padded returns a request whose head, or whose body, is larger than 8 KiB.
func padded(body bool) string {
	text := strings.Repeat("a", 9<<10)
	if body {
		return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{\"x\":\"%s\"}", target, len(text)+8, text)
	}
	return "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nX-Large: " + text + "\r\n\r\n"
}

// laneServers are the running servers of the lanes.
type laneServers struct {
	plain, secure, ours, oursSecure, fiber *proc.Server
	close                                  func()
}

// lanes measures what most benchmarks leave out: TLS, HTTP/2, connections that end, and the requests after an unusual one.
func lanes(ctx context.Context, passes int, slice time.Duration, only string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := filepath.Join(dir, "actionhero")
	if err := proc.Build(ctx, "..", "./cmd/actionhero", ours); err != nil {
		return err
	}
	servers, err := startLanes(ctx, ours, dir)
	if err != nil {
		return err
	}
	defer servers.close()
	for _, l := range servers.lanes() {
		if only != "" && !strings.Contains(l.name, only) {
			continue
		}
		results, err := slices.Run(l.targets, passes, slice)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		for i := range results {
			results[i].Name = l.rows[i]
		}
		report(l.name, results)
	}
	return nil
}

// lane is one table. Its first target is the baseline.
type lane struct {
	name    string
	rows    []string
	targets []slices.Target
}

func (s *laneServers) lanes() []lane {
	compare := func(name string, load func(s *proc.Server) func(time.Duration) (int, error), servers ...*proc.Server) lane {
		l := lane{name: name}
		for _, server := range servers {
			l.rows = append(l.rows, server.Name)
			l.targets = append(l.targets, slices.Target{Server: server, Load: load(server)})
		}
		return l
	}
	after := lane{name: "keep-alive GETs after one other request"}
	for _, row := range [][2]string{
		{"own GET", ""}, {"after a head of 9 KiB", padded(false)}, {"after a body of 9 KiB", padded(true)}, {"after a chunked body", chunked},
		{"after Expect: 100-continue", expecting},
	} {
		after.rows = append(after.rows, row[0])
		after.targets = append(after.targets, slices.Target{Server: s.ours, Load: stream(dialPlain(s.ours), row[1])})
	}
	return []lane{
		compare("HTTP/1.1 over TLS, keep-alive", func(s *proc.Server) func(time.Duration) (int, error) {
			return stream(dialTLS(s), "")
		}, s.secure, s.oursSecure),
		compare("HTTP/2 over TLS, 8 connections with 8 streams", func(s *proc.Server) func(time.Duration) (int, error) {
			return loadHTTP2(s.Addr)
		}, s.secure, s.oursSecure),
		compare("HTTP/1.0, a connection for each request", func(s *proc.Server) func(time.Duration) (int, error) {
			return reconnecting(s, oldest)
		}, s.plain, s.ours, s.fiber),
		compare("HTTP/1.1, a connection for each request", func(s *proc.Server) func(time.Duration) (int, error) {
			return reconnecting(s, closing)
		}, s.plain, s.ours, s.fiber),
		after,
	}
}

func dialPlain(s *proc.Server) func() (net.Conn, error) {
	return func() (net.Conn, error) { return net.Dial("tcp", s.Addr) }
}

func dialTLS(s *proc.Server) func() (net.Conn, error) {
	return func() (net.Conn, error) {
		return tls.Dial("tcp", s.Addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
	}
}

// stream returns a load: each connection sends first, if there is one, and then one GET request at a time.
func stream(dial func() (net.Conn, error), first string) func(time.Duration) (int, error) {
	return onConnections(func(stop time.Time) (n int, err error) {
		conn, err := dial()
		if err != nil {
			return 0, err
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for request := first; time.Now().Before(stop); request = keptAlive {
			if request == "" {
				continue
			}
			if _, err := io.WriteString(conn, request); err != nil {
				return n, err
			}
			if request == expecting {
				if _, err := in.Discard(len("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
					return n, err
				}
				if _, err := io.WriteString(conn, "{}"); err != nil {
					return n, err
				}
			}
			if err := skipAnswer(in); err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// reconnecting returns a load whose requests have a connection each.
func reconnecting(s *proc.Server, request string) func(time.Duration) (int, error) {
	dial := dialPlain(s)
	return onConnections(func(stop time.Time) (n int, err error) {
		for time.Now().Before(stop) {
			conn, err := dial()
			if err != nil {
				return n, err
			}
			if _, err = io.WriteString(conn, request); err == nil {
				_, err = io.Copy(io.Discard, conn)
			}
			if tc, ok := conn.(*net.TCPConn); ok {
				_ = tc.SetLinger(0) // so that the ports of the load do not run out
			}
			_ = conn.Close()
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	})
}

// onConnections returns a load that runs one for each of the connections.
func onConnections(one func(stop time.Time) (int, error)) func(time.Duration) (int, error) {
	return parallel(connections, func(_ int, stop time.Time) (int, error) { return one(stop) })
}

func parallel(workers int, one func(i int, stop time.Time) (int, error)) func(time.Duration) (int, error) {
	return func(d time.Duration) (total int, err error) {
		stop := time.Now().Add(d)
		counts, errs := make([]int, workers), make([]error, workers)
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() { counts[i], errs[i] = one(i, stop) })
		}
		wg.Wait()
		for i := range workers {
			if errs[i] != nil {
				return 0, errs[i]
			}
			total += counts[i]
		}
		return total, nil
	}
}

// loadHTTP2 returns a load of 8 HTTP/2 connections, each with 8 requests at a time.
func loadHTTP2(addr string) func(time.Duration) (int, error) {
	return func(d time.Duration) (int, error) {
		var clients [8]http.Client
		for i := range clients {
			transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
			clients[i].Transport = transport
			defer transport.CloseIdleConnections()
			if _, err := getHTTP2(&clients[i], addr); err != nil { // so that the others share its connection
				return 0, err
			}
		}
		return parallel(64, func(i int, stop time.Time) (n int, err error) {
			for time.Now().Before(stop) && err == nil {
				var got int
				got, err = getHTTP2(&clients[i%8], addr)
				n += got
			}
			return n, err
		})(d)
	}
}

func getHTTP2(c *http.Client, addr string) (int, error) {
	resp, err := c.Get("https://" + addr + target)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 {
		return 0, fmt.Errorf("the answer is %s in %s", resp.Status, resp.Proto)
	}
	return 1, err
}

// startLanes starts the servers of the lanes. ours is the program of this repository.
func startLanes(ctx context.Context, ours, dir string) (*laneServers, error) {
	if _, err := devcert.Make(devcert.Options{Folder: dir, SelfSigned: true, Days: 30}); err != nil {
		return nil, err
	}
	var all laneServers
	var started []*proc.Server
	all.close = func() {
		for _, s := range started {
			_ = s.Stop()
		}
	}
	for _, s := range []struct {
		to   **proc.Server
		name string
		env  []string
	}{
		{&all.plain, "net/http", nil}, {&all.fiber, "fiber", nil}, {&all.ours, "actionhero", nil},
		{&all.secure, secureServer, []string{certVariable + "=" + dir}}, {&all.oursSecure, "actionhero over TLS", nil},
	} {
		server, err := startLane(ctx, s.name, ours, dir, s.env)
		if err != nil {
			all.close()
			return nil, err
		}
		started, *s.to = append(started, server), server
	}
	return &all, nil
}

func startLane(ctx context.Context, name, ours, dir string, env []string) (*proc.Server, error) {
	if name != "actionhero over TLS" {
		return startServerWith(ctx, name, ours, dir, env)
	}
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(addr, ":")
	return proc.Start(ctx, name, addr, []string{
		"ACTIONHERO_HTTP_SERVER_ENABLE=false", "ACTIONHERO_TCP_SERVER_ENABLE=false", "ACTIONHERO_HTTPS_SERVER_ENABLE=true",
		"ACTIONHERO_HTTPS_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_HTTPS_SERVER_PORT=" + port,
		"ACTIONHERO_HTTPS_SERVER_CERT_FILE=" + filepath.Join(dir, devcert.ServerCert), "ACTIONHERO_HTTPS_SERVER_KEY_FILE=" + filepath.Join(dir, devcert.ServerKey),
		"ACTIONHERO_LOG_LOG_FOLDER=" + dir, "ACTIONHERO_LOG_CONSOLE=false", "ACTIONHERO_LOG_LOG_REQUESTS=false",
	}, ours, "start")
}
