package server_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

// The file of all settings loads with and without its # and leaves every default as it is.
func TestTheFileOfAllSettingsHasTheDefaults(t *testing.T) {
	t.Parallel()
	type own struct {
		Token string `json:"token" default:"abc" doc:"a setting of the app"`
	}
	part := actionhero.Section[own]("tickets")
	write := func(text string) string {
		t.Helper()
		name := filepath.Join(t.TempDir(), "config.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	defaults, err := server.LoadFile(write(""), part)
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	if err := defaults.SettingsYAML(&file); err != nil {
		t.Fatal(err)
	}
	set := regexp.MustCompile(`(?m)^( *)#(\S)`).ReplaceAllString(file.String(), "$1$2")
	for name, text := range map[string]string{"as it is": file.String(), "without #": set} {
		cfg, err := server.LoadFile(write(text), part)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want, got := describe(t, defaults), describe(t, cfg)
		for key, s := range got {
			s.Origin = want[key].Origin
			got[key] = s
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, want := range []string{"\nhttpServer:\n", "\n  #port: 8080\n", "\ntickets:\n  # a setting of the app (text)\n  #token: \"abc\"\n"} {
		if !strings.Contains(file.String(), want) {
			t.Errorf("the file lacks %q", want)
		}
	}
}
