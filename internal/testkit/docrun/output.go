//go:build unix

package docrun

import (
	"strings"
	"sync"
)

// output gathers what a process writes.
type output struct {
	ended chan struct{}

	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed and replaced when there is more
}

func newOutput() *output { return &output{ended: make(chan struct{}), more: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(text)
}

// end records the end of the process.
func (o *output) end(err error) {
	if err != nil {
		_, _ = o.Write([]byte(err.Error()))
	}
	close(o.ended)
}

// await waits until the process has written the text, and returns false if it ends before.
func (o *output) await(text string) bool {
	for {
		o.mu.Lock()
		found, more := strings.Contains(o.text.String(), text), o.more
		o.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-more:
		case <-o.ended:
			return strings.Contains(o.String(), text)
		}
	}
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
