package supervise

import (
	"io"
	"log/slog"
	"sync"
	"time"
)

// printer writes the lines of a supervisor in a goroutine of its own, so that a console that does not take them blocks
// no restart and no stop. It drops lines if too many wait.
type printer struct {
	lines chan func()
	done  chan struct{}
	once  sync.Once
}

func (p *printer) start() {
	p.lines, p.done = make(chan func(), 256), make(chan struct{})
	go func() {
		defer close(p.done)
		for line := range p.lines {
			line()
		}
	}()
}

// end waits until all lines are written, but not longer than a second.
func (p *printer) end() {
	p.once.Do(func() { close(p.lines) })
	select {
	case <-p.done:
	case <-time.After(time.Second):
	}
}

func (p *printer) print(line func()) {
	select {
	case p.lines <- line:
	default:
	}
}

func (p *printer) text(out io.Writer, text string) {
	p.print(func() { _, _ = io.WriteString(out, text) })
}

func (p *printer) info(log *slog.Logger, text string, args ...any) {
	p.print(func() { log.Info(text, args...) })
}

func (p *printer) warn(log *slog.Logger, text string, args ...any) {
	p.print(func() { log.Warn(text, args...) })
}

func (p *printer) error(log *slog.Logger, text string, args ...any) {
	p.print(func() { log.Error(text, args...) })
}
