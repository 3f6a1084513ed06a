package config

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var commentedSetting = regexp.MustCompile(`(?m)^( *)#(\S)`)

// A setting whose # is removed has the value that the file shows, and a file with all its # sets nothing.
func TestAYAMLFileOfAllSettingsLoads(t *testing.T) {
	t.Parallel()
	want := full()
	want.Redis.Password = "" // a secret is never printed
	var b strings.Builder
	if err := PrintYAML(&b, Describe(want, want, nil), "# intro\n"); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got := defaults()
	if err := loadText(t, got, "config.yaml", commentedSetting.ReplaceAllString(text, "$1$2")); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if d := diff(want, got); d != "" {
		t.Error(d)
	}
	got = defaults()
	if err := loadText(t, got, "config.yaml", text); err != nil {
		t.Fatal(err)
	}
	if d := diff(defaults(), got); d != "" {
		t.Errorf("comments set something: %s", d)
	}
}

func TestTheYAMLFileExplainsEachSetting(t *testing.T) {
	t.Parallel()
	type settings struct {
		Server struct {
			Port int    `json:"port" doc:"the port\nto listen on" min:"1"`
			ID   string `json:"id" auto:"made of the host" doc:"id of the node"`
			TLS  struct {
				Key string `json:"key" secret:"true"`
			} `json:"tls"`
			Name string `json:"name"`
		} `json:"server"`
	}
	var c settings
	c.Server.Port, c.Server.TLS.Key, c.Server.Name = 80, "hidden", "say \"<hi>\""
	var b strings.Builder
	if err := PrintYAML(&b, Describe(c, c, nil), ""); err != nil {
		t.Fatal(err)
	}
	want := `
server:
  # the port\nto listen on (whole number, above zero)
  #port: 80
  # id of the node (text; default: made of the host)
  #id: null
  tls:
    # text
    #key: ""
  # text
  #name: "say \"<hi>\""
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}
