package main

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// logLines returns the lines of a log, each of which must be a JSON object.
func logLines(t testing.TB, text string) (objects []map[string]any) {
	t.Helper()
	in := bufio.NewScanner(strings.NewReader(text))
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var o map[string]any
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			t.Errorf("a line of the log is no JSON: %v: %q", err, in.Text())
			continue
		}
		objects = append(objects, o)
	}
	return objects
}

// requests are the lines about requests.
func requests(objects []map[string]any) (found []map[string]any) {
	for _, o := range objects {
		if msg, _ := o["msg"].(string); strings.HasPrefix(msg, "[action @ ") {
			found = append(found, o)
		}
	}
	return found
}

func read(t testing.TB, path ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readLog returns the text of a log file, which is compressed if its name ends with ".gz".
func readLog(t testing.TB, path ...string) string {
	t.Helper()
	text := read(t, path...)
	if !strings.HasSuffix(path[len(path)-1], ".gz") {
		return text
	}
	in, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	inflated, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(inflated)
}

// Each request is one line on the console, which a client cannot forge or colour, and one line in log/api.log.
func TestLogs(t *testing.T) {
	t.Parallel()
	p := start(t, "app", t.TempDir())
	forged := "me\r\n2026-01-01 00:00:00 | [action @ web] to: 1.2.3.4 | action: forged\x1b[31m\u2028"
	if status, body := p.get("/api/login?password=opensesame&user=" + url.QueryEscape(forged)); status != 200 || strings.Contains(body, "opensesame") {
		t.Errorf("over HTTP: %d %s", status, body)
	}
	c := p.dial()
	c.Send("paramAdd password=opensesame\r\nparamAdd user=a\rb\r\nlogin\r\nquit\r\n")
	for range 4 {
		if line := c.Next(); strings.Contains(line, "opensesame") {
			t.Errorf("over TCP: %q", line)
		}
	}
	p.stop()

	console := p.out.String()
	if strings.ContainsAny(console, "\x1b\r\u2028") {
		t.Errorf("control characters on the console: %q", console)
	}
	shape := regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| \[action @ (web|tcp)\] remote: 127\.0\.0\.1 \| .*action: login \| params: .*\| duration: \d`)
	seen := map[string]int{}
	for line := range strings.Lines(console) {
		if m := shape.FindStringSubmatch(line); m != nil {
			seen[m[1]]++
			if !strings.Contains(line, "[FILTERED]") {
				t.Errorf("the secret is not marked as left out: %s", line)
			}
		}
	}
	if seen["web"] != 1 || seen["tcp"] != 1 || strings.Count(console, "\n2026-01-01") > 0 {
		t.Errorf("want one line for each of two requests, got %v in\n%s", seen, console)
	}

	file := read(t, p.dir, "log", "api.log")
	if found := requests(logLines(t, file)); len(found) != 2 {
		t.Errorf("want two requests in the log file, got %d:\n%s", len(found), file)
	}
	for name, text := range map[string]string{"console": console, "file": file, "standard error": p.err.String()} {
		if strings.Contains(text, "opensesame") {
			t.Errorf("the secret is in the %s:\n%s", name, text)
		}
	}
}

func TestLogFileIsRotated(t *testing.T) {
	t.Parallel()
	const size = 4096
	p := start(t, "actionhero", t.TempDir(), "ACTIONHERO_LOG_MAX_FILE_SIZE=4096", "ACTIONHERO_LOG_MAX_FILES=50", "ACTIONHERO_LOG_CONSOLE=false")
	c := p.dial()
	const n = 60
	c.Send(strings.Repeat("randomNumber\r\n", n))
	for range n {
		c.Next()
	}
	c.Send("quit\r\n")
	p.stop()
	entries, err := os.ReadDir(filepath.Join(p.dir, "log"))
	if err != nil || len(entries) < 3 {
		t.Fatalf("want several files: %v, %v", entries, err)
	}
	found := 0
	for _, e := range entries {
		text := readLog(t, p.dir, "log", e.Name())
		if len(text) > size {
			t.Errorf("%s has %d bytes", e.Name(), len(text))
		}
		found += len(requests(logLines(t, text)))
	}
	if found != n {
		t.Errorf("%d of %d requests are in the files %v", found, n, entries)
	}
	if strings.Contains(p.out.String(), "[action") {
		t.Errorf("the console is off, but it says\n%s", p.out)
	}
}

func TestConsoleAsJSON(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir(), "ACTIONHERO_LOG_FORMAT=json", "ACTIONHERO_LOG_FILE=off")
	if status, _ := p.get("/api/randomNumber"); status != 200 {
		t.Errorf("status %d", status)
	}
	p.stop()
	_, log, _ := strings.Cut(p.out.String(), "Ctrl+C stops it.\n")
	found := requests(logLines(t, log))
	if len(found) != 1 || found[0]["action"] != "randomNumber" || found[0]["level"] != "INFO" {
		t.Errorf("the request is logged as %v in\n%s", found, log)
	}
	if _, err := os.Stat(filepath.Join(p.dir, "log")); !os.IsNotExist(err) {
		t.Errorf("the log file is off, but its folder is there: %v", err)
	}
}

func TestRequestsNeedNotBeLogged(t *testing.T) {
	t.Parallel()
	p := start(t, "actionhero", t.TempDir(), "ACTIONHERO_LOG_LOG_REQUESTS=false")
	if status, _ := p.get("/api/randomNumber"); status != 200 {
		t.Errorf("status %d", status)
	}
	p.stop()
	if file := read(t, p.dir, "log", "api.log"); strings.Contains(p.out.String(), "randomNumber") || len(requests(logLines(t, file))) > 0 {
		t.Errorf("the request is logged:\n%s%s", p.out, file)
	}
}

// The log of the server is the default logger of package slog.
func TestDefaultLogger(t *testing.T) {
	t.Parallel()
	p := start(t, "app", t.TempDir())
	p.get("/api/talks")
	p.stop()
	if !strings.Contains(p.out.String(), "WARN | a library talks | topic: weather") {
		t.Errorf("the console has\n%s", p.out)
	}
	for _, o := range logLines(t, read(t, p.dir, "log", "api.log")) {
		if o["msg"] == "a library talks" && o["topic"] == "weather" {
			return
		}
	}
	t.Error("the log file has no line of the default logger")
}
