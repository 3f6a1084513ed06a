package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type greetInput struct {
	Name  string `json:"name" required:"true" doc:"the person"`
	Mood  string `json:"mood" enum:"glad,sad"`
	Token string `json:"token" secret:"true"`
}

// waiting counts the running calls of the action wait.
var waiting atomic.Int64

// consoleParts are the app that the console looks into.
var consoleParts = actionhero.Parts{
	builtin.Stock,
	actionhero.Action[greetInput, map[string]string]{
		Name: "greet", Description: "Greets a person", Run: func(_ context.Context, in greetInput) (map[string]string, error) {
			return map[string]string{"greeting": "Hello " + in.Name}, nil
		},
	},
	actionhero.Action[actionhero.None, actionhero.None]{
		Name: "wipe", Kind: actionhero.KindDestructive, Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			_, err := actionhero.RequestFrom(ctx).API.Cache.Clear(ctx, "")
			return n, err
		},
	},
	actionhero.Action[actionhero.None, actionhero.None]{
		Name: "wait", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			waiting.Add(1)
			defer waiting.Add(-1)
			<-ctx.Done()
			return n, ctx.Err()
		},
	},
	actionhero.Action[actionhero.None, map[string]string]{
		Name: "evil", Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": "a\u009b2J\u202eb\x7f"}, nil
		},
	},
	actionhero.Task[greetInput]{Name: "mail", Run: func(context.Context, greetInput) error { return errors.New("no\x1b[2Jmail\u202e") }},
}

// consoleServer starts a server, and returns it with the path of its configuration file.
func consoleServer(t *testing.T) (*server.Server, string) {
	t.Helper()
	config := consoleConfig(t, nil)
	return serve(t, config), config
}

// serve starts a server with a configuration file, until the end of the test.
func serve(t *testing.T, config string) *server.Server {
	t.Helper()
	cfg, err := server.LoadFile(config, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(cfg, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// consoleConfig writes a configuration file, with further sections.
func consoleConfig(t *testing.T, sections map[string]any) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	settings := map[string]any{
		"httpServer": map[string]any{"port": -1, "bindIP": "127.0.0.1"}, "tcpServer": map[string]any{"port": -1, "bindIP": "127.0.0.1"},
		"tasks": map[string]any{"path": t.TempDir()}, "log": map[string]any{"logging": false},
	}
	maps.Copy(settings, sections)
	raw, err := json.Marshal(settings)
	if err == nil {
		err = os.WriteFile(file, raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// enter runs lines in a console that reads them from a pipe.
func enter(t *testing.T, config, lines string, flags ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	args := append([]string{"app", "--config", config, "console"}, flags...)
	code = cli.RunWith(t.Context(), strings.NewReader(lines), &out, &errs, args, consoleParts...)
	return out.String(), errs.String(), code
}

// joined connects a TCP client and sends it to a room.
func joined(t *testing.T, s *server.Server, room string) *testkit.TCPClient {
	t.Helper()
	client := testkit.NewTCP(t, func() (net.Conn, error) { return net.Dial("tcp", s.TCP.Addr().String()) })
	if answer, err := client.Call("roomChange " + room); err != nil || !strings.Contains(answer, `"status":"OK"`) {
		t.Fatalf("roomChange: %s, %v", answer, err)
	}
	return client
}

func TestTheConsoleLooksIntoTheRunningServer(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	joined(t, s, "lobby")
	list, err := s.Conns.List(t.Context(), actionhero.ConnFilter{})
	if err != nil || len(list.Conns) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	id := list.Conns[0].ID
	for _, tt := range []struct{ line, want string }{ // want: a regular expression of the output, or of the error
		{"", `^$`},
		{"# a comment", `^$`},
		{"greet --name=Ann", `^\{"greeting":"Hello Ann"\}\n$`},
		{"action greet --name 'Ann B'", `"Hello Ann B"`},
		{"run greet --json '{\"name\":\"Ann\"}'", `"Hello Ann"`},
		{"greet", `^Error: name is a required parameter for this action\n$`},
		{"greet --name=Ann --mood=angry", `^Error: mood must be one of`},
		{"greet --nam=Ann", `did you mean --name\?`},
		{"greet --name=Ann --stdin", `--stdin is a flag of "app action", and the console does not have it`},
		{"greet --help", `^Greets a person\n\nUsage:\n  greet \[--INPUT=VALUE...\]\n\nInputs and flags:\n +--name string`},
		{"action", `the name of the action is missing`},
		{"action grete --name=Ann", `^Error: grete is not a known action.*\n +Did you mean greet\?`},
		{"grete", `^Error: unknown command "grete": "help" lists the commands\n +Did you mean greet\?`},
		{"statsu", `Did you mean status\?`},
		{"status", `(?s)^node +127.0.0.1|node .*connections  1: 1 tcp\n.*jobs +none`},
		{"status now", `^Error: unknown command "now" for "status"|the usage is: status`},
		{"action status", `"numberOfLocalActiveSocketClients":1`},
		{"report", `"numberOfLocalActiveSocketClients":1`},
		{"peers", `^NODE +UP +CONNECTIONS.*\n.* \* +\d+s +1 `},
		{"conns", `^ID +TRANSPORT +SINCE +REMOTE +ROOMS\n` + id + `  tcp +\d+s +127.0.0.1:\d+ +lobby\n$`},
		{"conns --room=none", `^There are no such connections.\n$`},
		{"conn " + id, `(?s)id +` + id + `.*room +lobby\n`},
		{"conn none", `^Error: no client with the id "none" is connected\n$`},
		{"rooms", `^MEMBERS  ROOM\n1        lobby\n$`},
		{"rooms x", `^There are no such rooms.\n$`},
		{"room lobby", `^ID\n` + id + `\n$`},
		{"room lobyb", `^Error: the room "lobyb" has no members\n +Did you mean lobby\?\n$`},
		{"say lobyb hi", `Did you mean lobby\?`},
		{"workers", `^No job is running.\n$`},
		{"actions", `greet \(write\)`},
		{"routes", `Each action is also at`},
		{"tasks registered", `mail +when enqueued`},
		{"tasks list", `^There are no such jobs.\n$`},
		{"tasks show", `write "tasks show 7"; "tasks list" shows the ids`},
		{"tasks lst", `^Error: unknown command "tasks lst": "help tasks" lists the commands\n +Did you mean tasks list\?`},
		{"tasks repair", `unknown command "tasks repair"`},
		{"help", `(?m)^  kick ID`},
		{"help cache set", `Usage:\n  cache set KEY VALUE \[TTL\]`},
		{"help greet", `--name string`},
		{"help grete", `Did you mean greet\?`},
		{"help tasks lst", `Did you mean tasks list\?`},
		{"cache", `(?s)Usage:\n  cache COMMAND.*destroy KEY`},
		{"kick --help", `Usage:\n  kick ID`},
		{"conns --roon=x", `unknown flag: --roon; "help conns" lists the flags`},
		{`say "lobby`, `^Error: a quote " is not closed\n$`},
	} {
		out, errs, code := enter(t, config, tt.line+"\n")
		if !regexp.MustCompile(tt.want).MatchString(out + errs) {
			t.Errorf("%s:\n%s%s", tt.line, out, errs)
		}
		if failed := strings.HasPrefix(errs, "Error:"); failed != (code != 0) {
			t.Errorf("%s has exit code %d: %s", tt.line, code, errs)
		}
	}
}

func TestTheConsoleChangesTheRunningServer(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	client := joined(t, s, "lobby")
	for _, tt := range []struct{ line, want string }{
		{`cache set n -5`, "\"n\" is -5, and never expires.\n"},
		{`cache set greeting "hello world" 90s`, "\"greeting\" is \"hello world\", and expires in 1m30s.\n"},
		{`cache set object '{"a":[1]}' 2h`, "\"object\" is {\"a\":[1]}, and expires in 2h00m.\n"},
		{`cache get object`, "{\"a\":[1]}\n"},
		{`cache keys`, "greeting\nn\nobject\n"},
		{`cache keys gr`, "greeting\n"},
		{`cache keys --limit 2`, "greeting\nn\nThere are more; --limit shows them, a prefix selects.\n"},
		{`cache destroy n`, "The value under \"n\" is deleted.\n"},
		{`say lobby good --day`, "The message is sent to 1 member of \"lobby\".\n"},
		{`tasks enqueue mail name=Ann token=sesame --after 1h`, "job 1 is enqueued\n"},
	} {
		if out, errs, code := enter(t, config, tt.line); code != 0 || errs != "" || out != tt.want {
			t.Errorf("%s: exit code %d: %s%s", tt.line, code, out, errs)
		}
	}
	if entry, err := s.Cache.Get(t.Context(), "greeting"); err != nil || string(entry.Value) != `"hello world"` || time.Until(entry.ExpiresAt) > 90*time.Second {
		t.Errorf("the cache has %s until %v, %v", entry.Value, entry.ExpiresAt, err)
	}
	if line := client.Next(); !strings.Contains(line, `"message":"good --day"`) {
		t.Errorf("the client read %s", line)
	}
	if job, err := s.Tasks.Get(t.Context(), 1); err != nil || job.Task != "mail" {
		t.Errorf("the job is %+v, %v", job, err)
	}
	for line, want := range map[string]string{
		"cache destroy n": `the cache has no value under "n"`, "cache get n": `the cache has no value under "n"`,
		"cache set n 1 soon": `write a duration`, "cache set n 1 -5s": "write a duration", "cache set _n 1": "reserved", "cache destroy _n": "reserved",
		"cache set n": "the usage is: cache set KEY VALUE [TTL]", "cache gte n": "Did you mean cache get?", "cache set '' 1": "the key is empty",
		"kick none": `no client with the id "none"`, "tasks enqueue mial name=Ann": "mial is not a known task",
	} {
		if out, errs, code := enter(t, config, line); code < 2 || out != "" || !strings.Contains(errs, want) {
			t.Errorf("%s: exit code %d: %s%s", line, code, out, errs)
		}
	}
	list, err := s.Conns.List(t.Context(), actionhero.ConnFilter{})
	if err != nil || len(list.Conns) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	id := list.Conns[0].ID
	if out, errs, code := enter(t, config, "kick "+id+" too loud"); code != 0 || out != "The connection "+id+" is closed.\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	testkit.Eventually(t, "the client is gone", func() bool {
		list, err := s.Conns.List(t.Context(), actionhero.ConnFilter{})
		return err == nil && list.Total == 0
	})
}

func TestTheConsoleStopsAtTheFirstLineThatFails(t *testing.T) {
	t.Parallel()
	_, config := consoleServer(t)
	const lines = "cache set a 1\ncache get none\ncache set b 2\ngreet\n"
	out, errs, code := enter(t, config, lines)
	if code != 3 || strings.Contains(out, `"b"`) || errs != "Error: the cache has no value under \"none\"\n       (line 2 of the input)\n" {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	out, errs, code = enter(t, config, lines, "--keep-going")
	if code != 2 || !strings.Contains(out, `"b" is 2`) || !strings.Contains(errs, "(line 4 of the input)") {
		t.Errorf("with --keep-going, the exit code is %d: %s%s", code, out, errs)
	}
	if out, _, code := enter(t, config, "exit\ncache get none\n"); code != 0 || out != "" {
		t.Errorf("after exit, the exit code is %d: %s", code, out)
	}
	if _, errs, code := enter(t, config, "cache set a "+strings.Repeat("x", 3<<20)); code != 1 || !strings.Contains(errs, "the commands cannot be read") {
		t.Errorf("for a line without end, the exit code is %d: %.200s", code, errs)
	}
	if _, errs, code := enter(t, config, "cache set a "+strings.Repeat("x", 2<<20-14)); code != 2 || !strings.Contains(errs, "the request has more than 2097152 bytes") {
		t.Errorf("for a value that is too large, the exit code is %d: %.200s", code, errs)
	}
}

func TestTheConsoleAnswersWithJSONForScripts(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	joined(t, s, "lobby")
	const lines = "status\npeers\nconns\nrooms\nroom lobby\ncache set a 1\ncache get a\ncache keys\ncache destroy a\nsay lobby hi\nworkers\ntasks stats\ntasks registered\nactions\nreport\ngreet --name=Ann\n"
	out, errs, code := enter(t, config, lines, "--json")
	if code != 0 || errs != "" {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	n := 0
	for ; ; n++ {
		if err := decoder.Decode(new(any)); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("answer %d is no JSON: %v in %s", n, err, out)
		}
	}
	if n != strings.Count(lines, "\n") {
		t.Errorf("%d lines have %d answers: %s", strings.Count(lines, "\n"), n, out)
	}
}

func TestTheConsoleNamesTheSocketIfNoServerRuns(t *testing.T) {
	t.Parallel()
	config := consoleConfig(t, nil)
	_, errs, code := enter(t, config, "status\n")
	for _, want := range []string{"no server answers there", "control.sock", `"app start"`, `"app console --offline" needs none`} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, want %q: %s", code, want, errs)
		}
	}
}

func TestTheOfflineConsoleNeedsNoServer(t *testing.T) {
	t.Parallel()
	config := consoleConfig(t, nil)
	out, errs, code := enter(t, config, "greet --name=Ann\ncache set a 1\ncache get a\ntasks enqueue mail name=Ann\nconns\nstatus\n", "--offline")
	if code != 0 || !strings.HasPrefix(out, "{\"greeting\":\"Hello Ann\"}\n\"a\" is 1, and never expires.\n1\njob 1 is enqueued\nThere are no such connections.\n") || !strings.Contains(out, "jobs         1 available") {
		t.Errorf("exit code %d: %s%s", code, out, errs)
	}
	_, running := consoleServer(t)
	if _, errs, code := enter(t, running, "status\n", "--offline"); code != 1 || !strings.Contains(errs, "a server runs here") {
		t.Errorf("next to a server, the exit code is %d: %s", code, errs)
	}
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "actionhero-console-*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && info.Mode().Perm() != 0o700 {
			t.Errorf("the folder %s has mode %v", dir, info.Mode())
		}
	}
}

// Names and values that clients choose never reach the terminal as control characters.
func TestTheConsolePrintsNoControlCharactersOfClients(t *testing.T) {
	t.Parallel()
	s, config := consoleServer(t)
	ctx := t.Context()
	const evil = "a\x1b[2J\u009b31m\u202eb\x7f\r\nc\td"
	client := joined(t, s, "lobby")
	_ = client
	list, err := s.Conns.List(ctx, actionhero.ConnFilter{})
	if err != nil {
		t.Fatal(err)
	}
	id := list.Conns[0].ID
	if err := errors.Join(s.Conns.Join(ctx, id, evil), s.Cache.Set(ctx, evil, evil, 0), s.Cache.Set(ctx, "evil", map[string]string{evil: evil}, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tasks.Enqueue(ctx, "mail", map[string]string{"name": evil}, actionhero.WithMaxAttempts(1)); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the job is dead", func() bool {
		stats, err := s.Tasks.Stats(ctx)
		return err == nil && stats.Total.Dead == 1
	})
	quoted := "'" + strings.ReplaceAll(evil, "\r\n", "\r") + "'"
	for _, line := range []string{
		"rooms", "conns", "conn " + id, "room lobby", "cache keys", "tasks list", "tasks show 1", "status", "peers", "workers",
		"cache get " + quoted, "cache set " + quoted + " 1", "say " + quoted + " x", "kick " + quoted, quoted, "greet --" + quoted, "conn " + quoted, "help " + quoted,
	} {
		out, errs, _ := enter(t, config, line+"\n")
		if i := strings.IndexFunc(out+errs, func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q prints %q", line, out+errs)
		}
	}
	console, err := cli.NewConsole(ctx, config, consoleParts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"room ", "cache get ", "conns --room "} {
		if _, words := console.Complete(ctx, line); slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, "\x1b") }) {
			t.Errorf("the completions of %q are %q", line, words)
		}
	}
}
