package server_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

func itoa(n int) string { return strconv.Itoa(n) }

// storeLimits are the drivers of limits on what requests leave behind: in the cache, the queue and the log.
var storeLimits = map[string]driver{
	"cache.maxBytes": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.Cache.MaxBytes = 4 << 10 })
		wantOK(t, s.TCP(t).Do("cacheTest", map[string]string{"key": "k", "value": strings.Repeat("v", 3<<10)}).JSON)
		l.wantCode(t, s.TCP(t).Do("cacheTest", map[string]string{"key": "k", "value": strings.Repeat("v", 5<<10)}).JSON)
	},
	"tasks.maxJobs": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.Tasks.MaxJobs, cfg.Tasks.Enable = 2, new(bool) })
		for range 2 {
			wantOK(t, s.TCP(t).Do("limitEnqueue", nil).JSON)
		}
		l.wantCode(t, s.TCP(t).Do("limitEnqueue", nil).JSON)
	},
	"tasks.maxBytes": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.Tasks.MaxBytes, cfg.Tasks.Enable = 8<<10, new(bool) })
		wantOK(t, s.TCP(t).Do("limitEnqueue", map[string]string{"size": "7000"}).JSON)
		l.wantCode(t, s.TCP(t).Do("limitEnqueue", map[string]string{"size": "2000"}).JSON)
	},
	"tasks.keepMost": func(t *testing.T, l limit) {
		l.wantReached(t, "the oldest finished ones are removed")
		s := limited(t, func(cfg *server.Config) { cfg.Tasks.KeepMost = 2 })
		for range 5 {
			wantOK(t, s.TCP(t).Do("limitEnqueue", nil).JSON)
		}
		var stats backend.QueueStats
		testkit.Eventually(t, "the queue keeps two tasks", func() (ok bool) {
			var err error
			if stats, err = s.Tasks.Stats(t.Context()); err != nil {
				t.Fatal(err)
			}
			return stats.Total.Available+stats.Total.Running == 0 && stats.Total.Completed == 2
		})
	},
	"log.maxFileSize": func(t *testing.T, l limit) {
		l.wantReached(t, "the next line is in a new file")
		dir := t.TempDir()
		logTo(t, dir, 100)
		if files := filesOf(t, dir); len(files) < 3 {
			t.Errorf("the folder of the log has %v", files)
		} else {
			for name, size := range files {
				if size > 4<<10 {
					t.Errorf("%s has %d bytes", name, size)
				}
			}
		}
	},
	"log.maxFiles": func(t *testing.T, l limit) {
		l.wantReached(t, "the oldest file is removed")
		dir := t.TempDir()
		logTo(t, dir, 1)
		testkit.Eventually(t, "the folder of the log has the current file and one rotated file", func() bool { return len(filesOf(t, dir)) == 2 })
	},
}

// logTo starts a server that logs 100 requests to files of 4 KiB in a folder. The server keeps as many rotated files as the argument
// says.
func logTo(t *testing.T, dir string, rotated int) {
	t.Helper()
	off := false
	s := limited(t, func(cfg *server.Config) {
		cfg.General.Log = nil
		cfg.Log.LogFolder, cfg.Log.MaxFileSize, cfg.Log.MaxFiles, cfg.Log.Console, cfg.Log.Compress = dir, 4<<10, rotated, &off, &off
	})
	c := s.TCP(t)
	for i := range 100 {
		marker := fmt.Sprintf("request-%d.", i)
		wantOK(t, c.Do("limitEcho", map[string]string{"text": marker}).JSON)
		if i%5 == 0 { // files that are rotated in the same millisecond count as one
			testkit.Eventually(t, "the request is in the log", func() bool { return inFiles(t, dir, marker) })
		}
	}
	s.Stop()
}

// inFiles reports whether a file in the folder contains text.
func inFiles(t *testing.T, dir, text string) bool {
	t.Helper()
	for name := range filesOf(t, dir) {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err == nil && strings.Contains(string(got), text) {
			return true
		}
	}
	return false
}

// filesOf returns the names and sizes of the files in a folder.
func filesOf(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]int64{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // the file may be gone meanwhile
			files[e.Name()] = info.Size()
		}
	}
	return files
}
