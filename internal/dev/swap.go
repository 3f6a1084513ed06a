//go:build unix

package dev

import (
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/supervise"
)

// prepared lets the current process leave, because its successor needs its backend.
func (d *dev) prepared(p *process) {
	p.prepared = true
	switch {
	case d.stopping || p != d.next:
	case d.current == nil:
		d.proceed(p)
	default:
		d.current.leaving, p.follows = true, true
		d.within(d.current, d.cfg.StopLimit, "it did not stop within "+d.cfg.StopLimit.String())
		if d.current.Replace() != nil {
			d.current.Kill("it cannot be reached")
		}
	}
}

func (d *dev) proceed(p *process) {
	if p.Proceed() != nil {
		p.Kill("it cannot be reached")
	}
}

// ready makes the process that has started the current one.
func (d *dev) ready(p *process, r supervise.Readiness) {
	if p != d.next {
		return
	}
	p.limit.Stop()
	p.limit = nil
	d.current, d.next = p, nil
	if d.good != nil && d.good.program != p.program && d.good.program != d.latest {
		d.builder.remove(d.good.program)
	}
	d.good = p
	d.sockets.CloseUnused()
	d.closeFront()
	if r.Files != "" {
		d.tree.setPublic(r.Files)
	}
	if !p.again {
		d.failure = ""
	}
	d.work = change{}
	d.tell()
	switch {
	case !d.started:
		d.print.text(r.Text)
	case p.again:
		d.print.say(plain, "the last program that works serves again")
	case p.built > 0:
		d.print.say(green, "%s: serving after %s (build %s)", p.change.subject(), span(time.Since(p.change.at)), span(p.built))
	default:
		d.print.say(green, "%s: serving after %s", p.change.subject(), span(time.Since(p.change.at)))
	}
	d.started = true
	if d.stopping {
		d.end(p)
	}
	d.advance()
}

// ended goes on after the end of a process.
func (d *dev) ended(p *process) {
	if p.limit != nil {
		p.limit.Stop()
		p.limit = nil
	}
	switch p {
	case d.current:
		d.current = nil
		switch {
		case d.stopping:
		case p.leaving && d.next != nil:
			d.proceed(d.next)
		case p.leaving:
			d.goBack()
		default:
			d.died(p)
		}
	case d.next:
		d.next = nil
		if !d.stopping {
			d.failed(p, "The app ends at its start: "+p.Cause()+"\n\n"+p.errors.String())
		}
	}
}

// died records that the process that served has ended without a signal from here.
func (d *dev) died(p *process) {
	text := "The app has ended: " + p.Cause()
	d.print.say(red, "%s; the next change starts it again", lower(text))
	if d.next != nil && d.next.prepared {
		d.proceed(d.next)
		return
	}
	d.fail(text + "\n\n" + p.errors.String())
}

// failed records that p has ended before it was ready.
func (d *dev) failed(p *process, text string) {
	if p.again { // the failure of its successor is the cause to show
		d.print.say(red, "the last program that works does not start again")
		d.fail(d.failure)
		return
	}
	title, _, _ := strings.Cut(text, "\n")
	d.failure = text
	if p.follows {
		d.print.say(red, "%s: %s; the last program that works starts again", p.change.subject(), lower(title))
		if d.current == nil {
			d.goBack()
		}
		return
	}
	d.print.say(red, "%s: %s%s", p.change.subject(), lower(title), d.servesOn())
	d.fail(text)
}

// goBack starts the last program that has served again, because its successor has failed after it had left.
func (d *dev) goBack() {
	d.launch(&process{program: d.good.program, config: d.good.config, change: d.work, again: true})
}

func lower(text string) string { return strings.ToLower(text[:1]) + text[1:] }
