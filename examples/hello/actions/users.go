package actions

import (
	"context"
	"errors"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// ErrTaken is the error that DB.Insert returns if a user with the same name exists.
var ErrTaken = errors.New("the name is taken")

// DB is the database of users. Insert adds a user and returns the id of the new user.
type DB interface {
	Insert(ctx context.Context, name, email string) (id int, err error)
}

// Users implements the actions that need the database.
type Users struct{ db DB }

// NewUsers returns a Users whose actions use db.
func NewUsers(db DB) *Users { return &Users{db} }

// CreateInput is the input of the action `createUser`.
type CreateInput struct {
	Name  string `json:"name" required:"true" pattern:"^[a-z0-9]+$" doc:"letters and digits"`
	Email string `json:"email" required:"true" format:"email" doc:"the address for mails to this user"`
}

// CreateOutput is the output of the action `createUser`.
type CreateOutput struct {
	ID int `json:"id"`
}

// Create implements the action `createUser`. It adds a user to the database and sends a message to the room "admins".
func (u *Users) Create(ctx context.Context, in CreateInput) (CreateOutput, error) {
	id, err := u.db.Insert(ctx, in.Name, in.Email)
	if errors.Is(err, ErrTaken) {
		return CreateOutput{}, actionhero.Errorf(actionhero.CodeAlreadyExists, "%s is taken", in.Name)
	}
	if err != nil {
		return CreateOutput{}, err // logged; the client receives only a general error
	}
	api := actionhero.RequestFrom(ctx).API
	return CreateOutput{id}, api.Rooms.Broadcast(ctx, "admins", in.Name+" is new here")
}

// All returns every action of the app, as parts for cli.Main.
func All(users *Users) actionhero.Parts {
	return actionhero.Parts{
		Greet,
		actionhero.Action[CreateInput, CreateOutput]{
			Name: "createUser", Description: "Adds a user", Route: "POST /users", Run: users.Create,
		},
	}
}

// MemoryDB implements DB in memory. All users are lost when the process ends.
type MemoryDB struct {
	mu    sync.Mutex
	names map[string]int
}

// NewMemoryDB returns an empty MemoryDB.
func NewMemoryDB() *MemoryDB { return &MemoryDB{names: map[string]int{}} }

// Insert adds a user and returns the id of the new user. If the name is taken, Insert returns ErrTaken.
func (db *MemoryDB) Insert(_ context.Context, name, _ string) (int, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if _, taken := db.names[name]; taken {
		return 0, ErrTaken
	}
	db.names[name] = len(db.names) + 1
	return db.names[name], nil
}
