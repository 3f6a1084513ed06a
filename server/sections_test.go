package server_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

type ticketsConfig struct {
	Escalate time.Duration `json:"escalate" default:"4h" min:"1m" doc:"time after which a ticket is escalated"`
	Token    string        `json:"token" secret:"true" doc:"token of the mail service"`
	Queues   []string      `json:"queues" default:"" doc:"names of the queues"`
}

const tickets = actionhero.Section[ticketsConfig]("tickets")

// sectioned loads a configuration file for an app with the section tickets, and builds the server.
func sectioned(t *testing.T, text string, parts ...actionhero.Part) (*server.Server, server.Config, error) {
	t.Helper()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "config.yaml"), text)
	parts = append(parts, actionhero.Parts{tickets})
	cfg, err := server.Load(dir, parts...)
	if err != nil {
		return nil, cfg, err
	}
	cfg.Log.Logging, cfg.Tasks.Memory = new(false), true
	s, err := server.New(cfg, parts...)
	return s, cfg, err
}

func TestSectionOfAnApp(t *testing.T) {
	t.Setenv("ACTIONHERO_TICKETS_QUEUES", "mail,phone")
	s, cfg, err := sectioned(t, "tickets: {escalate: 90m, token: hunter2}\ngeneral: {serverName: desk}\n")
	if err != nil {
		t.Fatal(err)
	}
	got := tickets.Get(s.API)
	if got.Escalate != 90*time.Minute || got.Token != "hunter2" || len(got.Queues) != 2 || s.Config().ServerName != "desk" {
		t.Errorf("the app has %+v, the server is %q", got, s.Config().ServerName)
	}
	all := describe(t, cfg)
	for key, want := range map[string]described{
		"tickets.escalate": {Value: "1h30m", Origin: "config.yaml:1", Default: "4h", Env: "ACTIONHERO_TICKETS_ESCALATE"},
		"tickets.token":    {Value: "[FILTERED]", Origin: "config.yaml:1", Env: "ACTIONHERO_TICKETS_TOKEN"},
		"tickets.queues":   {Value: "mail,phone", Origin: "ACTIONHERO_TICKETS_QUEUES", Env: "ACTIONHERO_TICKETS_QUEUES"},
	} {
		if s := all[key]; s.Value != want.Value || s.Origin != want.Origin || s.Default != want.Default || s.Env != want.Env {
			t.Errorf("%s is listed as %+v, want %+v", key, s, want)
		}
	}
}

// An explicit zero in the section counts, and a section that the file does not name has its defaults.
func TestSectionZerosAndDefaults(t *testing.T) {
	t.Parallel()
	s, _, err := sectioned(t, "general: {}")
	if err != nil || tickets.Get(s.API).Escalate != 4*time.Hour {
		t.Errorf("without a file: %+v, %v", s, err)
	}
	if _, _, err = sectioned(t, "tickets: {escalate: 0}"); err == nil || err.Error() != "config.yaml:1: tickets.escalate is 0s: it must be 1m or more" {
		t.Errorf("an explicit zero is out of range: %v", err)
	}
}

func TestWrongSections(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file string
		part actionhero.Part
		want string
	}{
		"unknown key":   {"tickets: {escalation: 1h}", nil, "config.yaml:1:11: tickets.escalation is not a known setting; did you mean tickets.escalate?"},
		"wrong value":   {"tickets: {escalate: soon}", nil, "config.yaml:1:21: tickets.escalate must be a duration"},
		"not declared":  {"mails: {}", nil, "config.yaml:1:1: mails is not a known setting; an app declares a section of its own with actionhero.Section"},
		"of the server": {"", actionhero.Section[ticketsConfig]("general"), `section "general" is a section of the server: choose another name`},
		"not a name":    {"", actionhero.Section[ticketsConfig]("my tickets"), `section name "my tickets" is not allowed`},
		"not a struct":  {"", actionhero.Section[int]("numbers"), `section "numbers" has the type int: use a struct`},
		"wrong tag": {"", actionhero.Section[struct {
			Every time.Duration `default:"4"`
		}]("mails"), `section "mails": field Every of struct`},
		"declared twice": {"", actionhero.Section[ticketsConfig]("tickets"), `two sections are named "tickets"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var parts []actionhero.Part
			if test.part != nil {
				parts = append(parts, test.part)
			}
			if _, _, err := sectioned(t, test.file, parts...); err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

// A section that is not a part of the API is a mistake of the app; the panic names the remedy.
func TestSectionThatIsNotAPart(t *testing.T) {
	t.Parallel()
	s, _, err := sectioned(t, "", actionhero.Action[actionhero.None, actionhero.None]{
		Name: "other",
		Run: func(ctx context.Context, _ actionhero.None) (actionhero.None, error) {
			return actionhero.None{}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, `section "others"`) || !strings.Contains(text, "pass it to cli.Main") {
			t.Errorf("the panic is %q", text)
		}
	}()
	actionhero.Section[ticketsConfig]("others").Get(s.API)
}

// The error of a value that is out of range names its file and line, or its variable, for the settings of the server and
// of the app alike. A value that the program has changed has neither.
func TestAValueOutOfRangeNamesItsFileAndLine(t *testing.T) {
	t.Setenv("ACTIONHERO_GENERAL_STOP_GRACE", "-1s")
	_, _, err := sectioned(t, "tickets:\n  token: hunter2\n  escalate: 1s\nhttpServer: {port: 99999}\nlog:\n\n  level: loud\n")
	want := "ACTIONHERO_GENERAL_STOP_GRACE: general.stopGrace is -1s: it must be 0 or more\n" +
		"config.yaml:7: log.level is \"loud\": it must be debug, info, warn or error\n" +
		"config.yaml:4: httpServer.port is 99999: it must be 1 to 65535, or -1 for any free port\n" +
		"config.yaml:3: tickets.escalate is 1s: it must be 1m or more"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	t.Setenv("ACTIONHERO_GENERAL_STOP_GRACE", "")
	cfg, err := server.Load(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	cfg.HTTPServer.Port, cfg.Tasks.Memory = 99999, true
	if _, err := server.New(cfg); err == nil || err.Error() != "httpServer.port is 99999: it must be 1 to 65535, or -1 for any free port" {
		t.Errorf("a value of the program: %v", err)
	}
}
