package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// values describes in words which values the setting accepts, such as "duration, above zero".
func (s *Setting) values() string {
	parts := []string{s.Type}
	if s.Type == "whole number" && s.Unit != "" {
		parts[0] = s.Unit
	}
	if s.Type == "text" && s.Range != "" {
		parts = nil
	}
	if s.Range != "" {
		parts = append(parts, s.Range)
	}
	return strings.Join(parts, ", ")
}

// section splits the key of the setting at the first dot into its section and the rest. A key without a dot has the
// section "".
func (s *Setting) section() (section, key string) {
	section, key, ok := strings.Cut(s.Key, ".")
	if !ok {
		return "", s.Key
	}
	return section, key
}

// The terminal colours of Print: bold for the key, green for a value that is not the default, faint for the
// explanation.
const (
	bold  = "\x1b[1m"
	green = "\x1b[32m"
	faint = "\x1b[2m"
	reset = "\x1b[0m"
)

// Print writes the settings for people, with two lines for each setting. The first line has the key, value, origin and
// range; the second line has the environment variable and the explanation. If color is true, Print writes terminal
// colours.
func Print(w io.Writer, settings []Setting, color bool) error {
	width := [3]int{}
	for _, s := range settings {
		for i, cell := range []string{s.Key, s.Value, s.Origin} {
			width[i] = max(width[i], min(utf8.RuneCountInString(cell), 44))
		}
	}
	paint := func(text, code string) string {
		if !color || text == "" || code == "" {
			return text
		}
		return code + text + reset
	}
	var b strings.Builder
	for _, s := range settings {
		set := ""
		if s.Origin != FromDefault {
			set = green
		}
		for i, cell := range []struct{ text, code string }{{s.Key, bold}, {cmp.Or(oneLine(s.Value), `""`), set}, {s.Origin, set}} {
			pad := strings.Repeat(" ", max(width[i]-utf8.RuneCountInString(cell.text), 0)+2)
			b.WriteString(paint(cell.text, cell.code) + pad)
		}
		fmt.Fprintf(&b, "%s\n    %s\n", s.values(), paint(strings.Trim(s.Env+": "+s.Doc, ": "), faint))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintJSON writes the settings as an indented JSON array.
func PrintJSON(w io.Writer, settings []Setting) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(settings)
}

// PrintMarkdown writes the text intro and then a Markdown table of settings for each section. The tables contain the
// key, variable, default and meaning of each setting, but not its current value.
func PrintMarkdown(w io.Writer, settings []Setting, intro string) error {
	var b strings.Builder
	b.WriteString(intro)
	last := ""
	for i, s := range settings {
		section, key := s.section()
		if i == 0 || section != last {
			fmt.Fprintf(&b, "\n## %s\n\n| key | environment variable | default | values | meaning |\n|---|---|---|---|---|\n", section)
			last = section
		}
		byDefault := code(s.Default)
		if s.inWords {
			byDefault = cell(s.Default)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", key, code(s.Env), byDefault, cell(s.values()), cell(s.Doc))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// PrintLimits writes the text intro and then a Markdown table of the settings that limit clients: the key, the default,
// the meaning, the unit that the limit counts for, and the effect that a client sees.
func PrintLimits(w io.Writer, settings []Setting, intro string) error {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("\n| limit | default | counts | for each | a client that reaches it |\n|---|---|---|---|---|\n")
	for _, s := range settings {
		if s.Limit != "" {
			byDefault := strings.TrimSpace(s.Default + " " + s.Unit)
			if s.Default == "0" || s.Default == "0s" {
				byDefault = "no limit"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", s.Key, cell(byDefault), cell(s.Doc), s.Limit, cell(s.Reached))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// code returns the text as Markdown code for a table cell, or "" for an empty text.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + cell(text) + "`"
}

// cell escapes the text for a cell of a Markdown table.
func cell(text string) string {
	return strings.ReplaceAll(oneLine(text), "|", `\|`)
}
