package logging

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
	"github.com/klauspost/compress/gzip"
)

// compressing is a rotated log whose rotated files are compressed with gzip, in a goroutine of its own. The option of
// timberjack does the same, but needs more than twice the processor time for files of the same size. A server that logs
// each of its requests feels the difference.
type compressing struct {
	*timberjack.Logger
	report  func(error)
	running sync.WaitGroup

	mu    sync.Mutex
	busy  bool // the goroutine runs
	again bool // another file may have been rotated since the goroutine looked for files
}

func newCompressing(log *timberjack.Logger, report func(error)) *compressing {
	c := &compressing{Logger: log, report: report}
	c.start() // a file may be left from a process that was killed
	return c
}

// RotateWithReason implements rotated.
func (c *compressing) RotateWithReason(reason string) error {
	err := c.Logger.RotateWithReason(reason)
	if err == nil {
		c.start()
	}
	return err
}

// Close closes the log and waits until its rotated files are compressed.
func (c *compressing) Close() error {
	err := c.Logger.Close()
	c.running.Wait()
	return err
}

func (c *compressing) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.again = c.busy; !c.busy {
		c.busy = true
		c.running.Go(c.run)
	}
}

func (c *compressing) run() {
	for more := true; more; {
		for _, path := range c.uncompressed() {
			// The oldest files are removed meanwhile.
			if err := compress(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				c.report(fmt.Errorf("the rotated log file %s cannot be compressed: %w", path, err))
			}
		}
		c.mu.Lock()
		more, c.again = c.again, false
		c.busy = more
		c.mu.Unlock()
	}
}

// rotatedTime is the time in the name of a rotated file, between the name of the log and the reason of the rotation.
const rotatedTime = "2006-01-02T15-04-05.000"

// uncompressed returns the paths of the rotated files that are not compressed.
func (c *compressing) uncompressed() (paths []string) {
	dir, name := filepath.Split(c.Filename)
	ext := filepath.Ext(name)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil // the log file cannot be written either, and the sink reports that
	}
	for _, e := range entries {
		rest, ok := strings.CutPrefix(e.Name(), strings.TrimSuffix(name, ext)+"-")
		if !ok || !e.Type().IsRegular() || !strings.HasSuffix(rest, ext) || len(rest) < len(rotatedTime) {
			continue
		}
		if _, err := time.Parse(rotatedTime, rest[:len(rotatedTime)]); err == nil {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// compress replaces the file at path with a compressed one. The compressed file has its name when it is complete.
func compress(path string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	info, err := from.Stat()
	if err != nil {
		return err
	}
	partial := path + ".gz.tmp"
	to, err := os.OpenFile(partial, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, info.Mode().Perm())
	if err != nil {
		return err
	}
	zip, _ := gzip.NewWriterLevel(to, gzip.BestSpeed)
	_, err = io.Copy(zip, from)
	err = errors.Join(err, zip.Close(), to.Chmod(info.Mode().Perm()), to.Close())
	if err == nil {
		err = os.Rename(partial, path+".gz")
	}
	if err != nil {
		return errors.Join(err, os.Remove(partial))
	}
	_ = from.Close() // Windows removes no open file
	return os.Remove(path)
}
