package config

import (
	"bytes"
	"errors"
	"io"
	"sort"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader parses a JSON file token by token, because the library gives positions only for tokens.
type jsonReader struct {
	*reader
	dec   *jsontext.Decoder
	lines []int // the offset of each line
}

func parseJSON(r *reader) (*node, error) {
	j := &jsonReader{reader: r, lines: lineStarts(r.data)}
	// Our own walk finds duplicate names, and continues after them.
	j.dec = jsontext.NewDecoder(bytes.NewReader(r.data), jsontext.AllowDuplicateNames(true))
	if len(bytes.TrimSpace(r.data)) == 0 {
		return nil, nil
	}
	tree, err := j.value("", 0)
	if err != nil {
		return nil, j.explain(err)
	}
	end := j.next()
	if _, err := j.dec.ReadToken(); err == nil {
		return nil, &syntaxError{end, "the file must end after its one object"}
	} else if !errors.Is(err, io.EOF) {
		return nil, j.explain(err)
	}
	return tree, nil
}

// value parses the next JSON value of the file. path is the path of the value, for error messages.
func (j *jsonReader) value(path string, depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errTooDeep
	}
	at := j.next()
	tok, err := j.dec.ReadToken()
	if err != nil {
		return nil, err
	}
	switch tok.Kind() {
	case jsontext.KindNull:
		return &node{kind: nullKind, at: at}, nil
	case jsontext.KindTrue, jsontext.KindFalse:
		return &node{kind: boolKind, text: tok.String(), at: at}, nil
	case jsontext.KindString:
		return &node{kind: textKind, text: tok.String(), at: at}, nil
	case jsontext.KindNumber:
		return &node{kind: numberKind, text: tok.String(), number: tok.String(), at: at}, nil
	case jsontext.KindBeginArray:
		return j.array(at, path, depth)
	}
	return j.object(at, path, depth)
}

func (j *jsonReader) array(at position, path string, depth int) (*node, error) {
	out := &node{kind: listKind, at: at}
	for j.dec.PeekKind() != jsontext.KindEndArray {
		item, err := j.value(path, depth+1)
		if err != nil {
			return nil, err
		}
		out.list = append(out.list, item)
	}
	_, err := j.dec.ReadToken()
	return out, err
}

func (j *jsonReader) object(at position, path string, depth int) (*node, error) {
	out := newObject(at)
	for j.dec.PeekKind() != jsontext.KindEndObject {
		e := entry{at: j.next()}
		tok, err := j.dec.ReadToken()
		if err != nil {
			return nil, err
		}
		e.key = tok.String()
		if e.value, err = j.value(join(path, e.key), depth+1); err != nil {
			return nil, err
		}
		j.add(out, e, path)
	}
	_, err := j.dec.ReadToken()
	return out.node, err
}

// next returns the position of the next token in the file.
func (j *jsonReader) next() position {
	offset := int(j.dec.InputOffset())
	for offset < len(j.data) && bytes.IndexByte([]byte(" \t\r\n,:"), j.data[offset]) >= 0 {
		offset++
	}
	return j.at(offset)
}

// at returns the position of a byte offset in the file: line and column, which begin at 1. The column counts bytes.
func (j *jsonReader) at(offset int) position {
	line := sort.SearchInts(j.lines, offset+1)
	return position{name: j.name, line: line, col: offset - j.lines[line-1] + 1}
}

// explain converts an error of the JSON library to a sentence with a position in the file.
func (j *jsonReader) explain(err error) error {
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		text := "this is not valid JSON"
		if syntax.Err != nil {
			text += ": " + syntax.Err.Error()
		}
		return &syntaxError{j.at(min(int(syntax.ByteOffset), len(j.data))), text}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &syntaxError{j.at(len(j.data)), "this is not valid JSON: it ends too early"}
	}
	return err
}

// lineStarts returns the byte offset at which each line of data begins.
func lineStarts(data []byte) []int {
	starts := []int{0}
	for i, c := range data {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}
