//go:build unix

package actionhero_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// .ci/needs uses a Node.js that is new enough, and installs nothing over a Node.js that is too old or has no npm.
func TestNeedsOfTheTests(t *testing.T) {
	t.Parallel()
	const installs = "#!/bin/sh\necho \"apt-get $*\" >>\"$LOG\"\n"
	all := map[string]string{"node": "#!/bin/sh\necho v22.1.0\n", "npm": "", "chromium": "", "curl": "", "nginx": "", "haproxy": "", "tmux": "", "apt-get": installs,
		"redis-server": "#!/bin/sh\necho Redis server v=7.0.15 sha=0\n", "valkey-server": "#!/bin/sh\necho Valkey server v=8.0.1 sha=0\n"}
	for name, test := range map[string]struct {
		change map[string]string // "-" removes a program
		code   int
		says   string
		apt    bool
	}{
		"everything is there":     {nil, 0, "", false},
		"no tmux":                 {map[string]string{"tmux": "-"}, 0, "the tests need tmux: installing with apt-get", true},
		"no browser":              {map[string]string{"chromium": "-"}, 0, "installing with apt-get", true},
		"an old Node.js":          {map[string]string{"node": "#!/bin/sh\necho v18.19.0\n"}, 1, "is version 18: install Node.js 20 or later", false},
		"a Node.js without npm":   {map[string]string{"npm": "-"}, 1, "came without it: install Node.js 20", false},
		"neither Node.js nor apt": {map[string]string{"node": "-", "npm": "-", "apt-get": "-"}, 1, "the tests need nodejs npm: install", false},
		"an old Redis":            {map[string]string{"redis-server": "#!/bin/sh\necho Redis server v=6.2.7 sha=0\n"}, 1, "is version 6: install", false},
		"an old Valkey":           {map[string]string{"valkey-server": "#!/bin/sh\necho Valkey server v=6.9.5 sha=0\n"}, 0, "VALKEY CANNOT BE INSTALLED HERE", true},
		"neither Valkey nor apt":  {map[string]string{"valkey-server": "-", "apt-get": "-"}, 0, "VALKEY CANNOT BE INSTALLED HERE", false},
		"no Valkey, in CI":        {map[string]string{"valkey-server": "-", "apt-get": "-", "CI": "true"}, 1, "nothing is tested against Valkey", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bin := t.TempDir()
			programs := map[string]string{}
			for program, text := range all {
				programs[program] = text
			}
			for program, text := range test.change {
				programs[program] = text
			}
			for program, text := range programs {
				if text == "" {
					text = "#!/bin/sh\n"
				}
				if text != "-" && program != "CI" {
					if err := os.WriteFile(filepath.Join(bin, program), []byte(text), 0o700); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, program := range []string{"bash", "sh", "sed", "env", "mktemp", "chmod", "cp", "rm"} {
				path, err := exec.LookPath(program)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.Symlink(path, filepath.Join(bin, program)); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(bin, "id"), []byte("#!/bin/sh\necho 0\n"), 0o700); err != nil {
				t.Fatal(err)
			}
			log := filepath.Join(bin, "apt.log")
			cmd := exec.CommandContext(t.Context(), ".ci/needs")
			cmd.Env = []string{"PATH=" + bin, "LOG=" + log, "CI=" + test.change["CI"]}
			out, _ := cmd.CombinedOutput()
			_, err := os.Stat(log)
			if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.says) || (err == nil) != test.apt {
				t.Errorf("exit code %d, apt-get ran: %v: %s", code, err == nil, out)
			}
		})
	}
}
