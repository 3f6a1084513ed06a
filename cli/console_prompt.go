package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/peterh/liner"

	"github.com/actionhero-go/actionhero/internal/signals"
)

// interact runs the lines that a person types at the terminal.
func (c *console) interact(ctx context.Context) error {
	prompt := liner.NewLiner()
	defer prompt.Close()
	prompt.SetCtrlCAborts(true)
	prompt.SetMultiLineMode(true)
	prompt.SetBeep(false)
	prompt.SetTabCompletionStyle(liner.TabPrints)
	prompt.SetWordCompleter(func(line string, pos int) (string, []string, string) {
		runes := []rune(line)
		head, words := c.complete(ctx, runes[:pos])
		return head, words, string(runes[pos:])
	})
	c.confirm = func(question string) bool {
		answer, err := prompt.Prompt(question + " [y/N] ")
		answer = strings.ToLower(strings.TrimSpace(answer))
		return err == nil && (answer == "y" || answer == "yes")
	}
	past := history{}
	if !c.noHistory {
		past.path = historyFile(c.app.name)
	}
	c.loadHistory(prompt, past)
	received := make(chan os.Signal, 1)
	signal.Notify(received, signals.End()...)
	defer signal.Stop(received)
	for !c.over {
		line, err := c.readLine(prompt, received)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(c.out)
			return nil
		case err != nil:
			return err
		}
		if trimmed := strings.TrimRight(line, " "); !strings.HasSuffix(trimmed, `\`) {
			line = trimmed // completion ends words with a space
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if keepInHistory(line) && !c.secret(line) {
			prompt.AppendHistory(line)
			if err := past.add(line); err != nil {
				fmt.Fprintf(c.errs, "The history cannot be written: %v\n", err)
				past.path = "" // once is enough
			}
		}
		if err := c.runInterruptible(ctx, prompt, line, received); err != nil {
			return err
		}
	}
	return nil
}

// errEnded has the exit code of a process that SIGTERM ends. The terminal is as before.
var errEnded = &failure{code: 128 + int(syscall.SIGTERM), err: errors.New("a signal has ended the console"), printed: true}

// readLine reads a line. An interrupt that is no key, but comes from another process, is ignored; any other signal ends
// the console. The goroutine that reads then waits for a key until the process ends.
func (c *console) readLine(prompt *liner.State, received <-chan os.Signal) (string, error) {
	type answer struct {
		line string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := prompt.Prompt(c.app.name + "> ")
		answers <- answer{line, err}
	}()
	for {
		select {
		case a := <-answers:
			select {
			case sig := <-received: // it was for the prompt, so it must not cancel the line
				if sig != os.Interrupt {
					return "", c.endPrompt(prompt)
				}
			default:
			}
			return a.line, a.err
		case sig := <-received:
			if sig != os.Interrupt {
				return "", c.endPrompt(prompt)
			}
		}
	}
}

// endPrompt restores the terminal while a goroutine still reads a line.
func (c *console) endPrompt(prompt *liner.State) error {
	_ = prompt.Close()
	fmt.Fprintln(c.out)
	return errEnded
}

// runInterruptible runs a line. Ctrl+C cancels it. If the line does not end then, the next Ctrl+C ends the process.
func (c *console) runInterruptible(ctx context.Context, prompt *liner.State, line string, received <-chan os.Signal) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			case sig := <-received:
				cancel()
				if sig != os.Interrupt {
					err = errEnded
				}
				if n > 0 && c.app.exits {
					_ = prompt.Close()
					os.Exit(128 + int(syscall.SIGINT))
				}
			}
		}
	}()
	c.run(ctx, line)
	close(ended)
	<-watched
	return err
}

func (c *console) loadHistory(prompt *liner.State, past history) {
	lines, err := past.read()
	if err != nil {
		fmt.Fprintf(c.errs, "The history cannot be read: %v\n", err)
	}
	for _, line := range lines {
		prompt.AppendHistory(line)
	}
}
