package redis

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
)

// luaUnit is a definition of a part of a script: a statement that begins with local in the first column, and what follows it
// until the next one.
type luaUnit struct {
	text    string
	defines []string
	uses    []string // all words, some of which are no names
}

// luaParts has the units of the parts that were read.
var luaParts = map[string][]luaUnit{}

// newQueueScript composes a script of the queue of the files lua/queue_*.lua with the names in parts. The part lib comes first
// in all of them, and the last part is the script itself. Of the parts before it, a script has only the definitions that it
// uses, because the server makes each function anew whenever a script runs. The arguments of a script are: the command to
// publish, the channel of wakeChannel, the arguments that the last part lists, and the time in µs or "".
func newQueueScript(mode mode, parts ...string) *script {
	last := len(parts) - 1
	body := readPart(parts[last])
	units := slices.Clone(unitsOf("lib"))
	for _, part := range parts[:last] {
		units = append(units, unitsOf(part)...)
	}
	needed := map[string]bool{}
	need := func(words []string) {
		for _, word := range words {
			needed[word] = true
		}
	}
	need(luaWords(body))
	kept := make([]string, 0, len(units)+1)
	for _, unit := range slices.Backward(units) { // a name is defined before its uses
		if slices.ContainsFunc(unit.defines, func(name string) bool { return needed[name] }) {
			need(unit.uses)
			kept = append(kept, unit.text)
		}
	}
	slices.Reverse(kept)
	source := strings.Join(append(kept, body), "")
	sum := sha1.Sum([]byte(source))
	return &script{source: source, sha: hex.EncodeToString(sum[:]), mode: mode}
}

// newConfirmedScript reads a script of the queue whose callers are answered once its writes are on replicas.
func newConfirmedScript(mode mode, parts ...string) *script {
	sc := newQueueScript(mode, parts...)
	sc.confirmed = true
	return sc
}

func readPart(name string) string {
	text, err := scriptFiles.ReadFile("lua/queue_" + name + ".lua")
	if err != nil {
		panic(err) // a mistake in the program
	}
	return string(text)
}

// unitsOf returns the units of a part, without the comments and the blank lines between them.
func unitsOf(part string) []luaUnit {
	if units := luaParts[part]; units != nil {
		return units
	}
	var units []luaUnit
	for line := range strings.Lines(readPart(part)) {
		names, begins := strings.CutPrefix(line, "local ")
		switch {
		case strings.HasPrefix(line, "--") || line == "\n":
		case begins:
			units = append(units, luaUnit{text: line, defines: definedNames(names)})
		case units == nil:
			panic("lua/queue_" + part + ".lua begins with a statement that defines nothing") // a mistake in the program
		default:
			units[len(units)-1].text += line
		}
	}
	for i := range units {
		units[i].uses = luaWords(units[i].text)
	}
	luaParts[part] = units
	return units
}

// definedNames returns the names that a statement defines. The text is that after the word local.
func definedNames(text string) []string {
	if name, ok := strings.CutPrefix(text, "function "); ok {
		return luaWords(name)[:1]
	}
	names, _, _ := strings.Cut(text, "=")
	return luaWords(names)
}

// luaWords returns the words of a text, outside its comments, that can be names of variables. The name of a field after a dot
// is none. No text in quotes has two hyphens.
func luaWords(text string) []string {
	var words []string
	for line := range strings.Lines(text) {
		code, _, _ := strings.Cut(line, "--")
		for at := 0; at < len(code); {
			start := at
			for at < len(code) && inWord(code[at]) {
				at++
			}
			if field := start > 0 && code[start-1] == '.' && (start < 2 || code[start-2] != '.'); at > start && !field {
				words = append(words, code[start:at])
			}
			at++
		}
	}
	return words
}

func inWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
