package dev

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"
)

// printer writes the lines of this program between those of the app.
type printer struct {
	mu      sync.Mutex
	out     io.Writer
	colours bool
}

// Colours of a terminal.
const (
	plain = ""
	cyan  = "36"
	green = "32"
	red   = "31"
)

// say writes a line.
func (p *printer) say(colour, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, p.paint(cyan, "dev")+"  "+p.paint(colour, fmt.Sprintf(format, args...))+"\n")
}

// text writes lines as they are.
func (p *printer) text(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, strings.TrimRight(text, "\n")+"\n")
}

func (p *printer) paint(colour, text string) string {
	if !p.colours || colour == plain {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// subject names what has changed, such as "actions/hello.go".
func (c change) subject() string {
	const most = 3
	paths := make([]string, len(c.paths))
	for i, name := range c.paths {
		if paths[i] = name; strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }) {
			paths[i] = strconv.QuoteToASCII(name) // a name may have escape sequences of a terminal
		}
	}
	switch {
	case len(paths) == 0:
		return "the app"
	case len(paths) > most:
		return fmt.Sprintf("%s and %d more", strings.Join(paths[:most-1], ", "), len(paths)-most+1)
	}
	return strings.Join(paths, ", ")
}

// span returns a duration as a person reads it.
func span(d time.Duration) string {
	if d < time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Millisecond).String()
}
