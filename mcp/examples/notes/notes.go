package main

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// Note is a text with a number.
type Note struct {
	ID   int    `json:"id"`
	Text string `json:"text"`
}

// Notes are the notes of the app, in memory.
type Notes struct {
	mu    sync.Mutex
	last  int
	notes []Note
}

// New returns no notes.
func New() *Notes { return &Notes{} }

// Parts returns the actions of the app. Each is a tool, too.
func (n *Notes) Parts() actionhero.Parts {
	return actionhero.Parts{
		actionhero.Action[SearchInput, SearchOutput]{
			Name: "noteSearch", Description: "Lists the notes that contain a text, or all notes.", Route: "GET /notes",
			Kind: actionhero.KindRead, Tool: &actionhero.Tool{Title: "Search notes"}, Run: n.search,
		},
		actionhero.Action[AddInput, Note]{
			Name: "noteAdd", Description: "Writes a new note.", Route: "POST /notes",
			Tool: &actionhero.Tool{Title: "Write a note"}, Run: n.add,
		},
		actionhero.Action[DeleteInput, actionhero.None]{
			Name: "noteDelete", Description: "Deletes a note for good.", Route: "DELETE /notes/{id}",
			Kind: actionhero.KindDestructive, Tool: &actionhero.Tool{Title: "Delete a note"}, Run: n.delete,
		},
	}
}

// SearchInput is the input of noteSearch.
type SearchInput struct {
	Text string `json:"text" doc:"only notes with this text; all if it is not given"`
}

// SearchOutput is the output of noteSearch.
type SearchOutput struct {
	Notes []Note `json:"notes"`
}

func (n *Notes) search(_ context.Context, in SearchInput) (SearchOutput, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	found := []Note{}
	for _, note := range n.notes {
		if strings.Contains(note.Text, in.Text) {
			found = append(found, note)
		}
	}
	return SearchOutput{found}, nil
}

// AddInput is the input of noteAdd.
type AddInput struct {
	Text string `json:"text" required:"true" maxLength:"1000"`
}

func (n *Notes) add(_ context.Context, in AddInput) (Note, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.last++
	note := Note{n.last, in.Text}
	n.notes = append(n.notes, note)
	return note, nil
}

// DeleteInput is the input of noteDelete.
type DeleteInput struct {
	ID int `json:"id" required:"true"`
}

func (n *Notes) delete(_ context.Context, in DeleteInput) (none actionhero.None, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := slices.IndexFunc(n.notes, func(note Note) bool { return note.ID == in.ID })
	if i < 0 {
		return none, actionhero.Errorf(actionhero.CodeNotFound, "there is no note %d", in.ID)
	}
	n.notes = slices.Delete(n.notes, i, i+1)
	return none, nil
}
