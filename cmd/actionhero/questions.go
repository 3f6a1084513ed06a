package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/actionhero-go/actionhero/internal/generate"
)

// questions asks a person for the fields of a new part, one line each.
type questions struct {
	in    io.Reader
	out   io.Writer
	lines *bufio.Scanner
}

var errNoAnswer = errors.New("the input ended before all questions were answered: nothing is written")

// ask sets the fields of the part. An empty answer leaves a field empty. A wrong answer is explained, and asked again.
func (q *questions) ask(part *generate.Part) error {
	q.lines = bufio.NewScanner(q.in)
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
		fmt.Fprintf(q.out, "%s: ", text)
		if !q.lines.Scan() {
			fmt.Fprintln(q.out)
			return errors.Join(q.lines.Err(), errNoAnswer)
		}
		*value = strings.TrimSpace(q.lines.Text())
		err := part.Check()
		if err == nil {
			return nil
		}
		fmt.Fprintln(q.out, "  "+err.Error())
	}
}
