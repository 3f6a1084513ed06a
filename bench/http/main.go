// Command http compares this server's action randomNumber with the same answer by other frameworks: requests per second of
// the server's processor time, in interleaved slices of one second. The servers are pinned to one processor and the load to
// another. It prints a Markdown table.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
)

func main() {
	serve := flag.String("serve", "", "run this server (internal)")
	addr := flag.String("addr", "", "address for -serve")
	passes := flag.Int("passes", 15, "slices for each server")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	only := flag.String("only", "", "servers to compare with the baseline, separated by commas; default: all")
	base := flag.String("base", "", "another checkout of this repository: compare only this server with the one of that checkout")
	identity := flag.Bool("identity", false, "compare only servers of this repository with and without sessions, rules and limits")
	further := flag.Bool("lanes", false, "compare only TLS, HTTP/2, connections for each request, and the requests after an unusual one; -only has a part of the name of a lane")
	all := flag.Bool("table", false, "measure all lanes and print one table, which says where other servers are ahead")
	bodies := flag.Bool("posts", false, "compare only requests with a body")
	grows := flag.String("growth", "", "write a plot of the growth with connections, actions, rooms or payload, separated by commas, or all")
	folder := flag.String("plots", "../docs/plots", "folder of the plots")
	measured := flag.String("scale", "", "measure only files, actions (up to 2,000 of them) or idle (10,000 idle connections)")
	flag.Parse()
	if *serve != "" {
		fmt.Fprintln(os.Stderr, peers[*serve](*addr))
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if *grows != "" {
		err := withScale(ctx, *passes, *slice, "", func(l *scale) error { return growth(ctx, l, *grows, *folder) })
		if err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if *measured != "" {
		if err := runScale(ctx, *measured, *passes, *slice, *base); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if *identity {
		if err := pinned(func() error { return identities(ctx, *passes, *slice) }); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if *all {
		if err := pinned(func() error { return summary(ctx, *passes, *slice) }); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		fmt.Printf("\n%s, %s, %d slices of %v each, %s\n", runtime.Version(), runtime.GOARCH, *passes, *slice, time.Now().Format(time.DateOnly))
		return
	}
	if *bodies {
		if err := pinned(func() error { return posts(ctx, *passes, *slice) }); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if *further {
		if err := pinned(func() error { return lanes(ctx, *passes, *slice, *only) }); err != nil {
			fmt.Fprintln(os.Stderr, "Error:", err)
			os.Exit(1)
		}
		return
	}
	if err := run(ctx, *passes, *slice, *only, *base); err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

// order lists the servers in the order of the table. The first is the baseline.
var order = []string{"net/http", "actionhero", "actionhero, requests logged", "actionhero, requests logged to console and file", "gin", "echo", "chi", "huma", "hertz", "fiber", "fasthttp", "fasthttp + append"}

func run(ctx context.Context, passes int, slice time.Duration, only, base string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ours := filepath.Join(dir, "actionhero")
	if err := proc.Build(ctx, "..", "./cmd/actionhero", ours); err != nil {
		return err
	}
	tables := [][]string{order}
	if base != "" {
		if err := proc.Build(ctx, base, "./cmd/actionhero", ours+proc.BaseSuffix); err != nil {
			return err
		}
		tables = nil
		for _, name := range []string{"actionhero", "actionhero, requests logged"} {
			tables = append(tables, []string{name + proc.BaseSuffix, name})
		}
	}
	err = pinned(func() error {
		for _, names := range tables {
			if err := table(ctx, "GET, keep-alive", names, only, ours, dir, passes, slice); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Printf("%s, %s, %d slices of %v each, %d connections, %s\n", runtime.Version(), runtime.GOARCH, passes, slice, connections, time.Now().Format(time.DateOnly))
	return nil
}

// pinned runs the measurement with this process, which is the load, on one processor.
func pinned(measure func() error) error {
	if err := exec.Command("taskset", "-a", "-p", "-c", "1", fmt.Sprint(os.Getpid())).Run(); err != nil {
		return fmt.Errorf("the load cannot be pinned to a processor: %w", err)
	}
	return measure()
}

// table measures servers and prints their table. The first server is the baseline.
func table(ctx context.Context, lane string, names []string, only, ours, dir string, passes int, slice time.Duration) error {
	var targets []slices.Target
	for _, name := range names {
		if only != "" && name != names[0] && !strings.Contains(","+only+",", ","+name+",") {
			continue
		}
		s, err := startServer(ctx, name, ours, dir)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		if err := check(s.Addr); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		targets = append(targets, slices.Target{Server: s, Load: load(s.Addr)})
	}
	results, err := slices.Run(targets, passes, slice)
	if err != nil {
		return err
	}
	report(lane, results)
	return nil
}

func startServer(ctx context.Context, name, ours, dir string) (*proc.Server, error) {
	return startServerWith(ctx, name, ours, dir, nil)
}

// startServerWith is startServer with more variables in the environment of a peer.
func startServerWith(ctx context.Context, name, ours, dir string, more []string) (*proc.Server, error) {
	addr, err := proc.FreeAddr()
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(name, "actionhero") {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		return proc.Start(ctx, name, addr, more, self, "-serve", name, "-addr", addr)
	}
	_, port, _ := strings.Cut(addr, ":")
	env := []string{
		"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_HTTP_SERVER_PORT=" + port, "ACTIONHERO_TCP_SERVER_ENABLE=false",
		"ACTIONHERO_LOG_LOG_FOLDER=" + filepath.Join(dir, port), "ACTIONHERO_LOG_CONSOLE=" + strconv.FormatBool(strings.Contains(name, "console")),
	}
	if !strings.Contains(name, "logged") {
		env = append(env, "ACTIONHERO_LOG_LOG_REQUESTS=false")
	}
	if strings.HasSuffix(name, proc.BaseSuffix) {
		ours += proc.BaseSuffix
	}
	return proc.Start(ctx, name, addr, append(env, more...), ours, "start")
}
