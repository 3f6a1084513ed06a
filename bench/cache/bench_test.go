package main

import (
	"sync/atomic"
	"testing"
)

// BenchmarkCaches runs each load on each cache, with the goroutines of the program, and reports the processor time of an
// operation, which other work on the machine changes less than the elapsed time.
func BenchmarkCaches(b *testing.B) {
	for _, l := range loads {
		for _, name := range names {
			b.Run(l.name+"/"+name, func(b *testing.B) {
				c, err := maker(name)(b.Context(), 0)
				if err != nil {
					b.Fatal(err)
				}
				w := newBench(c)
				if err := w.fill(); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				b.SetParallelism(goroutines / 2)
				var next atomic.Int64
				before, err := processorTime()
				if err != nil {
					b.Fatal(err)
				}
				b.RunParallel(func(pb *testing.PB) {
					g := int(next.Add(1)-1) % goroutines
					for n := 1; pb.Next(); n++ {
						if err := w.step(g, n, l.writes); err != nil {
							b.Error(err)
							return
						}
					}
				})
				after, err := processorTime()
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(after-before)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}
