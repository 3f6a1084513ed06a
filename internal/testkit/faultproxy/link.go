package faultproxy

import (
	"bufio"
	"io"
	"net"
	"strings"
	"sync"
)

// link is one connection of a client with its connection to the server.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	once           sync.Once
	closed         chan struct{}

	mu       sync.Mutex
	pending  []Fault // the faults of the commands whose answers have not come yet
	unpaired bool    // the client has subscribed, so answers are not counted any more
	silent   bool    // no more data reaches the client
	stream   bool    // the client is a replica: after the next answer, the server sends a stream without frames
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.closed)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

// run copies in both directions until one of them ends.
func (l *link) run() {
	var wg sync.WaitGroup
	commands := bufio.NewReaderSize(l.client, 64<<10)
	first, err := commands.Peek(1)
	if err != nil {
		return
	}
	raw := first[0] != '*'
	wg.Go(func() {
		defer l.end()
		if raw {
			l.copyRaw(l.server, commands)
		} else {
			l.copyCommands(commands)
		}
	})
	wg.Go(func() {
		defer l.end()
		answers := bufio.NewReaderSize(l.server, 64<<10)
		if raw {
			l.copyRaw(l.client, answers)
		} else {
			l.copyAnswers(answers)
		}
	})
	wg.Wait()
}

// end closes the link because one side has closed its connection. While data is frozen, the other side does not notice.
func (l *link) end() {
	l.proxy.hold(l)
	l.close()
}

func (l *link) copyRaw(to io.Writer, from *bufio.Reader) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !l.proxy.hold(l) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (l *link) copyCommands(from *bufio.Reader) {
	for {
		f, err := readFrame(from)
		if err != nil || !l.proxy.hold(l) {
			return
		}
		fault := l.proxy.choose(f.words)
		if fault == LoseRequest {
			l.close()
			return
		}
		l.expect(f.words, fault)
		if _, err := l.server.Write(f.bytes); err != nil {
			return
		}
	}
}

// expect notes the fault of a command whose answer will come.
func (l *link) expect(words []string, fault Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(words) > 0 {
		name := strings.ToUpper(words[0])
		l.stream = l.stream || name == "PSYNC" || name == "SYNC"
		l.unpaired = l.unpaired || l.stream || strings.HasSuffix(name, "SUBSCRIBE")
	}
	switch {
	case !l.unpaired:
		l.pending = append(l.pending, fault)
	case fault == LoseAnswer:
		l.close()
	case fault == Silence:
		l.silent = true
	}
}

func (l *link) copyAnswers(from *bufio.Reader) {
	for {
		f, err := readFrame(from)
		if err != nil || !l.proxy.hold(l) {
			return
		}
		switch l.take(f) {
		case LoseAnswer:
			l.close()
			return
		case Silence:
			continue
		}
		if _, err := l.client.Write(f.bytes); err != nil {
			return
		}
		if l.isStream() {
			l.copyRaw(l.client, from)
			return
		}
	}
}

func (l *link) isStream() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream
}

// take returns the fault for the frame f of the server.
func (l *link) take(f frame) Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	if f.push || l.unpaired || len(l.pending) == 0 {
		if l.silent {
			return Silence
		}
		return Pass
	}
	fault := l.pending[0]
	l.pending = l.pending[1:]
	l.silent = l.silent || fault == Silence
	if l.silent {
		return Silence
	}
	return fault
}
