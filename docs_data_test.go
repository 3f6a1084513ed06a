package actionhero_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
	"github.com/actionhero-go/actionhero/server"
)

// blocksOfKind returns the blocks of the README and of docs/ that have one of the kinds.
func blocksOfKind(t *testing.T, kinds ...string) (found []docrun.Block) {
	t.Helper()
	for _, file := range append(documents(t), "README.md") {
		for _, b := range docrun.Blocks(t, file) {
			for _, kind := range kinds {
				if b.Kind == kind {
					found = append(found, b)
				}
			}
		}
	}
	return found
}

// otherPrograms are keys that only files of other programs have: of Kubernetes, of Compose, of sqlc and of AI agents.
var otherPrograms = []string{"apiVersion", "services", "version", "mcpServers"}

// A reader may copy each block of settings into a configuration file. Each file for another program is at least YAML.
func TestTheDataOfTheDocumentsIsRead(t *testing.T) {
	t.Parallel()
	found, configs := blocksOfKind(t, "yaml", "json", "toml"), 0
	for _, b := range found {
		isConfig := true
		if b.Kind != "toml" { // JSON is YAML
			keys, err := yamlKeys(b.Text)
			if err != nil {
				t.Errorf("%s:%d: %v", b.File, b.Line, err)
				continue
			}
			for _, key := range otherPrograms {
				isConfig = isConfig && !keys[key]
			}
		}
		if !isConfig {
			continue
		}
		configs++
		file := filepath.Join(t.TempDir(), "config."+b.Kind)
		if err := os.WriteFile(file, []byte(b.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := server.LoadFile(file); err != nil {
			t.Errorf("%s:%d is no configuration: %v", b.File, b.Line, err)
		}
	}
	if len(found) < 4 || configs == 0 {
		t.Errorf("only %d blocks were found, %d of them with settings", len(found), configs)
	}
}

// yamlKeys returns the keys of all documents of a text.
func yamlKeys(text string) (keys map[string]bool, err error) {
	keys = map[string]bool{}
	for in := yaml.NewDecoder(strings.NewReader(text)); ; {
		var object map[string]any
		switch err := in.Decode(&object); {
		case errors.Is(err, io.EOF):
			return keys, nil
		case err != nil:
			return nil, err
		}
		for key := range object {
			keys[key] = true
		}
	}
}

// Each block of JavaScript is correct. In a document, … stands for an expression.
func TestTheScriptsOfTheDocumentsParse(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("no node on the PATH: install Node.js 20 or later")
	}
	scripts := map[string]string{} // by its place in a document
	for _, b := range blocksOfKind(t, "js", "html") {
		text := b.Text
		if b.Kind == "html" {
			_, text, _ = strings.Cut(text, "<script type=\"module\">\n")
			text, _, _ = strings.Cut(text, "</script>")
		}
		place, _ := json.Marshal([]any{b.File, b.Line})
		scripts[string(place)] = strings.ReplaceAll(text, "…", "0")
	}
	if len(scripts) < 5 {
		t.Fatalf("only %d scripts were found", len(scripts))
	}
	in, err := json.Marshal(scripts)
	if err != nil {
		t.Fatal(err)
	}
	check := exec.CommandContext(t.Context(), node, "--no-warnings", "--experimental-vm-modules", "--input-type=module", "-e", `
		import vm from "node:vm"
		import { text } from "node:stream/consumers"
		for (const [place, script] of Object.entries(JSON.parse(await text(process.stdin)))) {
			try { new vm.SourceTextModule(script) } catch (error) { console.log(place + ": " + error.stack) }
		}`)
	check.Stdin = bytes.NewReader(in)
	if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
