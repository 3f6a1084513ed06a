package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/peterh/liner"

	"github.com/actionhero-go/actionhero/internal/generate"
	"github.com/actionhero-go/actionhero/internal/terminal"
)

// questions asks a person for the fields of a new part, one line each.
type questions struct {
	out    io.Writer
	width  int                                   // of the terminal; 0: unknown
	prompt func(question string) (string, error) // shows a question, and reads the answer
}

var (
	errNoAnswer    = errors.New("the input ended before all questions were answered: nothing is written")
	errInterrupted = errors.New("interrupted: nothing is written")
)

// askInTerminal asks with a line editor, in which the keys for editing work.
func askInTerminal(out io.Writer, part *generate.Part) error {
	editor := liner.NewLiner()
	defer editor.Close()
	editor.SetCtrlCAborts(true)
	editor.SetMultiLineMode(true)
	editor.SetBeep(false)
	q := questions{out: out, width: terminal.Width(out), prompt: func(question string) (string, error) {
		answer, err := editor.Prompt(question)
		switch {
		case errors.Is(err, liner.ErrPromptAborted):
			return "", errInterrupted
		case errors.Is(err, io.EOF):
			fmt.Fprintln(out)
			return "", errNoAnswer
		}
		return answer, err
	}}
	return q.ask(part)
}

// ask sets the fields of the part. An empty answer leaves a field empty. A wrong answer is explained, and asked again.
func (q *questions) ask(part *generate.Part) error {
	if part.Name == "" {
		if err := q.field("Name, such as users:create", &part.Name, part); err != nil {
			return err
		}
	} else if err := part.Check(); err != nil {
		return err
	}
	for _, next := range fieldsOf(part) {
		if err := q.field(next.text, next.value, part); err != nil {
			return err
		}
	}
	return nil
}

type question struct {
	text  string
	value *string
}

func fieldsOf(part *generate.Part) []question {
	list := []question{{"Description, one sentence", &part.Description}}
	inputs := question{"Inputs, such as name:string!,age:int (! is required)", &part.Inputs}
	switch part.Kind {
	case "action":
		list = append(list, inputs,
			question{"Kind: write, read or destructive [write]", &part.Effect},
			question{"Route, such as POST /users/{id} [only /api/NAME]", &part.Route})
	case "task":
		list = append(list, inputs,
			question{"Frequency, such as 90s [no schedule]", &part.Frequency},
			question{"Nodes of a cluster that run it: any or all [any]", &part.Scope})
	case "middleware":
		list = append(list, question{"For all actions and tasks, or for the one that lists it: all or one [all]", &part.Scope})
	}
	return list
}

// field asks until the answer is right.
func (q *questions) field(text string, value *string, part *generate.Part) error {
	for {
		answer, err := q.prompt(text + ": ")
		if err != nil {
			return err
		}
		*value = strings.TrimSpace(answer)
		if err = part.Check(); err == nil {
			return nil
		}
		fmt.Fprintln(q.out, "  "+terminal.Wrap(err.Error(), q.width, 2, 2))
	}
}
