package proc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// Worker is a process that executes orders: it reads each as a line of its input and writes one line for it.
type Worker struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
}

// StartWorker starts a worker. Its errors say name. It ends when ctx ends.
func StartWorker(ctx context.Context, name string, command ...string) (*Worker, error) {
	w := &Worker{name: name, cmd: exec.CommandContext(ctx, command[0], command[1:]...)}
	w.cmd.Stderr = os.Stderr
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.out = bufio.NewReader(out)
	return w, w.cmd.Start()
}

// Stop closes the input of the worker, which ends it, and waits for its end.
func (w *Worker) Stop() {
	_ = w.in.Close()
	_ = w.cmd.Wait() // the worker has printed its error
}

// Ask sends an order and reads the numbers of the answer.
func (w *Worker) Ask(order string, numbers ...*float64) error {
	if _, err := fmt.Fprintln(w.in, order); err != nil {
		return err
	}
	answer, err := w.out.ReadString('\n')
	if err != nil {
		return fmt.Errorf("%s: %q got no answer: %w", w.name, order, err)
	}
	for i, text := range strings.Fields(answer) {
		if i < len(numbers) {
			if _, err := fmt.Sscan(text, numbers[i]); err != nil {
				return fmt.Errorf("%s: %q got the answer %q: %w", w.name, order, answer, err)
			}
		}
	}
	return nil
}
