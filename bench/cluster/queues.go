package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	stats "github.com/actionhero-go/actionhero/bench/internal/slices"
)

// figures are the results of one contender, by pass.
type figures struct {
	name   string
	rate   []float64 // operations per second
	cpu    []float64 // operations per second of processor time, of the contender and the server together
	client []float64 // µs of processor time of the contender, for each operation
	server []float64 // the same of the server
	asked  []float64 // reads of the server, for each operation
}

// names returns those of the contenders that the flag -only has, and not River without Postgres.
func (b *bench) names(all []string) (names []string) {
	for _, name := range all {
		if (name != riverPostgres || b.postgres != nil) && (b.only == "" || strings.Contains(","+b.only+",", ","+name+",")) {
			names = append(names, name)
		}
	}
	return names
}

// order is what a contender does in a slice: first prepare, which is not measured.
type order struct{ prepare, measured string }

// measure gives each contender one slice in each pass, in random order. Before the first pass each gets a slice that does
// not count. next returns the order for a contender, by the rate of its last slice, which is 0 at first. If keep is false,
// each slice begins with an empty server.
func (b *bench) measure(ctx context.Context, names []string, keep bool, next func(rate float64) order) ([]*figures, error) {
	var processes []*process
	var results []*figures
	rates := make([]float64, len(names))
	for _, name := range names {
		p, err := b.start(ctx, name)
		if err != nil {
			return nil, err
		}
		defer p.Stop()
		processes, results = append(processes, p), append(results, &figures{name: name})
	}
	for pass := range b.passes + 1 {
		for _, i := range rand.Perm(len(names)) {
			warm := &figures{}
			into := results[i]
			if pass == 0 {
				into = warm
			}
			if !keep || pass == 0 {
				if err := b.prepare(ctx, processes[i], keep); err != nil {
					return nil, err
				}
			}
			rate, err := b.slot(ctx, processes[i], next(rates[i]), into)
			if err == nil && !keep {
				err = processes[i].Ask("close")
			}
			if err != nil {
				return nil, err
			}
			rates[i] = rate
		}
	}
	return results, nil
}

func (b *bench) prepare(ctx context.Context, p *process, keep bool) error {
	if !keep {
		if err := p.server.clear(ctx); err != nil {
			return err
		}
	}
	return p.Ask("open")
}

// slot runs one slice of a contender. It returns the rate.
func (b *bench) slot(ctx context.Context, p *process, o order, into *figures) (rate float64, err error) {
	if o.prepare != "" {
		if err := p.Ask(o.prepare); err != nil {
			return 0, err
		}
	}
	before, err := p.server.cpu(ctx)
	if err != nil {
		return 0, err
	}
	asked, err := p.server.reads(ctx)
	if err != nil {
		return 0, err
	}
	var n, seconds, client float64
	if err := p.Ask(o.measured, &n, &seconds, &client); err != nil {
		return 0, err
	}
	after, err := p.server.cpu(ctx)
	if err != nil {
		return 0, err
	}
	askedAfter, err := p.server.reads(ctx)
	if err != nil {
		return 0, err
	}
	used := (after - before).Seconds()
	into.asked = append(into.asked, float64(askedAfter-asked)/n)
	into.rate, into.cpu = append(into.rate, n/seconds), append(into.cpu, n/(client+used))
	into.client, into.server = append(into.client, client/n*1e6), append(into.server, used/n*1e6)
	return n / seconds, nil
}

// ratio returns the values of a divided by those of b of the same pass: the median and the quartiles.
func ratio(a, b []float64) string {
	var ratios []float64
	for i := range a {
		ratios = append(ratios, a[i]/b[i])
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", stats.Quantile(ratios, 0.5), stats.Quantile(ratios, 0.25), stats.Quantile(ratios, 0.75))
}

func median(values []float64) float64 { return stats.Quantile(values, 0.5) }

// printFigures prints a table. The first contender is the baseline of the ratios.
func printFigures(title, unit string, results []*figures) {
	fmt.Printf("%s:\n\n| | %s per second | ratio to the first (IQR) | ratio by processor time of client and server (IQR) | client, µs | server, µs | reads of the server |\n|---|---|---|---|---|---|---|\n", title, unit)
	for _, r := range results {
		fmt.Printf("| %s | %.0f | %s | %s | %.1f | %.1f | %.2f |\n", r.name, median(r.rate), ratio(r.rate, results[0].rate), ratio(r.cpu, results[0].cpu), median(r.client), median(r.server), median(r.asked))
	}
	fmt.Println()
}

// enqueueing measures as many callers as a worker has slots, and ten times as many, as a server with many requests has.
func (b *bench) enqueueing(ctx context.Context) error {
	for _, callers := range []int{concurrency, 10 * concurrency} {
		results, err := b.measure(ctx, b.names(queueNames), false, func(float64) order {
			return order{measured: fmt.Sprintf("enqueue %d %v", callers, b.slice)}
		})
		if err != nil {
			return err
		}
		printFigures(fmt.Sprintf("Jobs enqueued by %d callers", callers), "jobs", results)
	}
	return nil
}

// running lets each contender run as many jobs as take about the time of a slice.
func (b *bench) running(ctx context.Context) error {
	results, err := b.measure(ctx, b.names(queueNames), false, func(rate float64) order {
		jobs := max(int(rate*b.slice.Seconds()), 1000)
		return order{fmt.Sprintf("fill %d", jobs), fmt.Sprintf("run %d", jobs)}
	})
	if err == nil {
		printFigures(fmt.Sprintf("Jobs that do nothing, run by a worker with a concurrency of %d", concurrency), "jobs", results)
	}
	return err
}

// starting measures the delays of idle workers, and then what idle workers cost.
func (b *bench) starting(ctx context.Context) error {
	fmt.Print("One job at a time, from the enqueue to the start of the run on an idle worker, and what an idle worker asks of the server:\n\n| | p50, ms | p99, ms | commands per second |\n|---|---|---|---|\n")
	for _, name := range b.names(queueNames) {
		samples, pause := b.samples, 10*time.Millisecond
		if name == asynqQueue || name == nodeResque {
			samples = max(samples/10, 1) // each takes about half a second, or 3 s
		}
		if err := b.startsOf(ctx, name, samples, pause); err != nil {
			return err
		}
	}
	fmt.Println()
	return nil
}

func (b *bench) startsOf(ctx context.Context, name string, samples int, pause time.Duration) error {
	p, err := b.start(ctx, name)
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := p.server.clear(ctx); err != nil {
		return err
	}
	var p50, p99 float64
	for _, order := range []string{"open", fmt.Sprintf("start %d %v", samples, pause), "close", "open"} {
		if err := p.Ask(order, &p50, &p99); err != nil {
			return err
		}
	}
	if p.server != server(b.redis) {
		fmt.Printf("| %s | %.2f | %.2f | |\n", name, p50, p99)
		return p.Ask("close")
	}
	idled := make(chan error, 1)
	go func() { idled <- p.Ask(fmt.Sprintf("idle 0 %v", b.idle+5*time.Second)) }()
	time.Sleep(3 * time.Second) // the start has passed
	before, err := b.redis.reads(ctx)
	if err != nil {
		return err
	}
	time.Sleep(b.idle)
	after, err := b.redis.reads(ctx)
	if err != nil {
		return err
	}
	fmt.Printf("| %s | %.2f | %.2f | %.2f |\n", name, p50, p99, float64(after-before-1)/b.idle.Seconds()) // one of them is the count
	if err := <-idled; err != nil {
		return err
	}
	return p.Ask("close")
}
