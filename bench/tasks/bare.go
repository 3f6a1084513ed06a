package main

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// recordBytes is the size of the record of a job in our journal.
const recordBytes = 176

// bare appends each record to a file and syncs the file.
type bare struct {
	ready bool // the file is filled with zeros first, so that its size does not change
	file  *os.File
	at    int64
}

func (b *bare) open(_ context.Context, dir string, _ bool) (err error) {
	if b.file, err = os.Create(filepath.Join(dir, "log")); err == nil && b.ready {
		if _, err = b.file.Write(make([]byte, readyBytes)); err == nil {
			err = b.file.Sync()
		}
	}
	return err
}

const readyBytes = 64 << 20

func (b *bare) write(data []byte) error {
	if b.ready && b.at+int64(len(data)) > readyBytes {
		b.at = 0
	}
	if _, err := b.file.WriteAt(data, b.at); err != nil {
		return err
	}
	b.at += int64(len(data))
	return syscall.Fdatasync(int(b.file.Fd()))
}

var record = make([]byte, recordBytes)

func (b *bare) enqueue(context.Context) error { return b.write(record) }

func (b *bare) close(context.Context) error { return b.file.Close() }

// group is a bare log with group commit: the records that arrive during a sync share the next one.
type group struct {
	bare
	mu      sync.Mutex
	pending []byte
	done    chan struct{} // closed when the pending records are on the disk
	err     error         // the first one
	wake    chan struct{}
	ended   chan struct{}
}

func (g *group) open(ctx context.Context, dir string, runsJobs bool) error {
	g.done, g.wake, g.ended = make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	if err := g.bare.open(ctx, dir, runsJobs); err != nil {
		return err
	}
	go g.commit()
	return nil
}

func (g *group) commit() {
	defer close(g.ended)
	var writing []byte
	for range g.wake {
		g.mu.Lock()
		writing, g.pending = g.pending, writing[:0]
		done := g.done
		g.done = make(chan struct{})
		g.mu.Unlock()
		if err := g.write(writing); err != nil {
			g.mu.Lock()
			g.err = err
			g.mu.Unlock()
		}
		close(done)
	}
}

func (g *group) enqueue(context.Context) error {
	g.mu.Lock()
	g.pending = append(g.pending, record...)
	done := g.done
	g.mu.Unlock()
	select {
	case g.wake <- struct{}{}:
	default:
	}
	<-done
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.err
}

func (g *group) close(ctx context.Context) error {
	close(g.wake)
	<-g.ended
	return g.bare.close(ctx)
}
