package logging

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// valve is an output that blocks while it is shut.
type valve struct {
	mu    sync.Mutex
	open  chan struct{} // closed: the valve is open
	lines bytes.Buffer
	most  int // the largest write
}

func newValve() *valve { return &valve{open: make(chan struct{})} }

func (v *valve) Write(p []byte) (int, error) {
	<-v.open
	v.mu.Lock()
	defer v.mu.Unlock()
	v.most = max(v.most, len(p))
	return v.lines.Write(p)
}

func (v *valve) text() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.lines.String()
}

// openLogger returns an open logger with the console v, and its outputs.
func openLogger(t *testing.T, c Config) (*outputs, func(i int)) {
	t.Helper()
	logger, file, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	file.Open()
	return file.(*outputs), func(i int) { logger.Info("line", "i", i) }
}

var lineNumber = regexp.MustCompile(`\bi"?: ?(\d+)`)

// numbers returns the numbers of the lines of openLogger in a text.
func numbers(t *testing.T, text string) (all []int) {
	t.Helper()
	for _, found := range lineNumber.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

// A console that blocks holds up no code that logs, and not the file. Its lines come in order when it takes them, and a
// line says how many are lost.
func TestABlockedConsoleHoldsUpNoCode(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"human", "json"} {
		synctest.Test(t, func(t *testing.T) {
			dir, console := t.TempDir(), newValve()
			o, line := openLogger(t, Config{Folder: dir, File: "api.log", MaxSize: 1 << 20, Console: true, Format: format, Output: console})
			o.console.most = 2000
			for i := range 200 { // would block for ever: the time of the bubble stands still
				line(i)
			}
			time.Sleep(2 * flushAfter)
			synctest.Wait()
			data, err := os.ReadFile(dir + "/api.log")
			if got := numbers(t, string(data)); err != nil || len(got) != 200 {
				t.Fatalf("the file has %d lines, want 200: %v", len(got), err)
			}
			close(console.open)
			time.Sleep(2 * flushAfter)
			synctest.Wait()
			line(200)
			if err := o.Close(); err != nil {
				t.Error(err)
			}
			text := console.text()
			got := numbers(t, text)
			if !slices.IsSorted(got) || got[len(got)-1] != 200 || len(got) < 10 || len(got) > 150 {
				t.Errorf("the lines %v came, want about half of them in order", got)
			}
			lost := 0
			for _, found := range lostLines.FindAllStringSubmatch(text, -1) {
				n, _ := strconv.Atoi(found[1])
				lost += n
			}
			if lost+len(got) != 201 {
				t.Errorf("%d lines came and %d are said to be lost, want 201 together:\n%s", len(got), lost, text)
			}
		})
	}
}

// lostLines matches the line about lost lines, in both formats.
var lostLines = regexp.MustCompile(`(?:WARN \| |"level":"WARN","msg":")the console did not take lines in time, so some are lost(?: \| lines: |","lines":)(\d+)`)

// Code that logs a warning waits until it is written, but not for a console that blocks. The end of the log does not wait
// for that console either, and says what is lost.
func TestWarningsAndTheEndOfTheLogWaitOnlyForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		console := newValve()
		logger, file, err := New(Config{Console: true, Output: console})
		if err != nil {
			t.Fatal(err)
		}
		file.Open()
		begun := time.Now()
		logger.Info("line", "i", 0)
		time.Sleep(time.Millisecond)
		logger.Warn("line", "i", 1)
		if waited := time.Since(begun); waited != urgentWait+time.Millisecond {
			t.Errorf("the warning took %v", waited)
		}
		begun = time.Now()
		if err := file.Close(); err == nil || !strings.Contains(err.Error(), "the console took no lines for 1s") {
			t.Errorf("Close returned %v", err)
		}
		logger.Error("line", "i", 2) // would block for ever
		if waited := time.Since(begun); waited != closeWait {
			t.Errorf("the end took %v", waited)
		}
		close(console.open)
		synctest.Wait()
		file.Open()
		logger.Warn("line", "i", 3)
		if got := numbers(t, console.text()); len(got) != 3 || got[2] != 3 {
			t.Errorf("the lines %v came, want 0, 1 and 3", got)
		}
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Both outputs have the lines of all goroutines in one order each, and a batch is no longer than it must be.
func TestABusyLogIsWrittenInBatches(t *testing.T) {
	t.Parallel()
	console := newValve()
	close(console.open)
	o, line := openLogger(t, Config{Console: true, Format: "json", Output: console})
	const n = 20_000
	for i := range n {
		line(i)
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	got := numbers(t, console.text())
	if len(got) != n {
		t.Fatalf("%d lines came, want %d", len(got), n)
	}
	for i := range got {
		if got[i] != i {
			t.Fatalf("line %d is in the place of %d", got[i], i)
		}
	}
}

// failing is an output that returns an error for each write.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("no") }

// A console that is closed, for example the end of a pipe, ends neither the program nor the log file.
func TestAClosedConsoleDoesNotStopTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o, line := openLogger(t, Config{Folder: dir, File: "api.log", MaxSize: 1 << 20, Console: true, Output: failing{}})
	for i := range 10 {
		line(i)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	data, err := os.ReadFile(dir + "/api.log")
	if got := numbers(t, string(data)); err != nil || len(got) != 10 {
		t.Errorf("the file has %d lines, want 10: %v", len(got), err)
	}
}
