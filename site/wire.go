package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// wireSource is the name of the page of the wires. It is no file: the transcripts that the tests compare byte by byte
// are its parts.
const wireSource = "docs/wire.md"

// wireTitles are the titles of the transcripts, in the order of the pages. Another transcript follows under its name.
var wireTitles = [][2]string{
	{"params", "Params"}, {"envelope", "HTTP: answers"}, {"urls", "HTTP: URLs and files"}, {"public_root", "HTTP: files at the root"},
	{"always200", "HTTP: errors with status 200"}, {"tcp", "TCP"}, {"websocket", "WebSocket"}, {"socketio", "Socket.IO"},
	{"rooms", "Rooms"}, {"rooms_further", "Rooms: further ones"}, {"builtin", "Built-in actions"}, {"limit", "A request limit"},
}

// addWire adds the page of the wires and a page for each transcript.
func (s *Site) addWire(pages map[string]*Page) error {
	files, err := filepath.Glob(filepath.Join(s.root, "server", "testdata", "wire", "*.txtar"))
	if err != nil || len(files) == 0 {
		return err
	}
	whole := &Page{Source: wireSource, Path: pagePath(wireSource)}
	whole.text = "# The wire\n\nThese pages show each protocol as clients see it. They are the transcripts with which the tests of the server compare each " +
		"byte, so they are always right. A line with `>` is sent by a client, and a line with `<` by the server. A letter in front names the client. " +
		"Names in angle brackets stand for values that change.\n\n"
	pages[wireSource] = whole
	position := func(file string) int {
		i := slices.IndexFunc(wireTitles, func(t [2]string) bool { return t[0] == transcriptName(file) })
		if i < 0 {
			return len(wireTitles)
		}
		return i
	}
	slices.SortStableFunc(files, func(a, b string) int { return position(a) - position(b) })
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		name := transcriptName(file)
		p := &Page{Source: wireSource, Path: "wire/" + name + ".html", Label: name, Above: whole}
		if i := position(file); i < len(wireTitles) {
			p.Label = wireTitles[i][1]
		}
		p.text = "# " + p.Label + "\n\n" + strings.TrimPrefix(transcript(string(source)), p.Label+".\n\n")
		whole.Parts = append(whole.Parts, p)
		s.parts[wireSource+"#"+name] = p
		whole.text += fmt.Sprintf("- [%s](wire.md#%s)\n", p.Label, name)
	}
	return nil
}

func transcriptName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".txtar") }

// transcript returns a transcript as Markdown: its comments are paragraphs, and its files and exchanges blocks.
func transcript(source string) string {
	var out, block strings.Builder
	flush := func() {
		if text := strings.Trim(block.String(), "\n"); text != "" {
			fmt.Fprintf(&out, "```console\n%s\n```\n\n", text)
		}
		block.Reset()
	}
	about, rest, _ := strings.Cut(source, "\n-- ")
	if _, text, found := strings.Cut(about, " of the wire: "); found {
		about = strings.ToUpper(text[:1]) + text[1:]
	}
	out.WriteString(escapeHTML(about) + "\n\n")
	for line := range strings.Lines("-- " + rest) {
		name, isFile := strings.CutPrefix(line, "-- ")
		comment, isComment := strings.CutPrefix(line, "# ")
		switch {
		case isFile:
			flush()
			if name = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(name), "--")); name != "script" {
				fmt.Fprintf(&out, "The file `%s`:\n\n", name)
			} else {
				out.WriteString("The exchange:\n\n")
			}
		case isComment:
			flush()
			out.WriteString(escapeHTML(comment) + "\n")
		default:
			block.WriteString(line)
		}
	}
	flush()
	return out.String()
}

// escapeHTML keeps Markdown from reading a text as HTML.
func escapeHTML(text string) string { return strings.ReplaceAll(text, "<", `\<`) }
