package main

import (
	"io"
	"log/slog"
	"runtime"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// BenchmarkRegister registers 2,000 actions with different types, and reports the memory that each keeps.
func BenchmarkRegister(b *testing.B) {
	const count = 2000
	var bytes int64
	for b.Loop() {
		kept = nil
		before := heap()
		api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			b.Fatal(err)
		}
		if err := api.Register(manyParts(count)...); err != nil {
			b.Fatal(err)
		}
		bytes += heap() - before
		kept = api
	}
	b.ReportMetric(float64(bytes)/float64(b.N)/count, "kept-B/action")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/count, "ns/action")
}

var kept any // the API of the last run, for a profile of the memory

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkStart starts and stops the stock server with 2,000 actions.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		s, err := actionsServer(2000, "127.0.0.1:-1")
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := s.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
