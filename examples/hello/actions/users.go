package actions

import (
	"context"
	"errors"
	"sync"

	"github.com/actionhero-go/actionhero"
)

// ErrTaken is the error of a DB that has a user of that name already.
var ErrTaken = errors.New("the name is taken")

// DB is the database of the users.
type DB interface {
	Insert(ctx context.Context, name, email string) (id int, err error)
}

// Users holds the actions that need the database.
type Users struct{ db DB }

// NewUsers returns the actions on a database.
func NewUsers(db DB) *Users { return &Users{db} }

// CreateInput is the input of createUser.
type CreateInput struct {
	Name  string `json:"name" required:"true" pattern:"^[a-z0-9]+$" doc:"letters and digits"`
	Email string `json:"email" required:"true" format:"email" doc:"address for our mails"`
}

// CreateOutput is the output of createUser.
type CreateOutput struct {
	ID int `json:"id"`
}

// Create makes a user and sends a message to the room "admins".
func (u *Users) Create(ctx context.Context, in CreateInput) (CreateOutput, error) {
	id, err := u.db.Insert(ctx, in.Name, in.Email)
	if errors.Is(err, ErrTaken) {
		return CreateOutput{}, actionhero.Errorf(actionhero.CodeAlreadyExists, "%s is taken", in.Name)
	}
	if err != nil {
		return CreateOutput{}, err // logged; the client reads that the server has a problem
	}
	api := actionhero.RequestFrom(ctx).API
	return CreateOutput{id}, api.Rooms.Broadcast(ctx, "admins", in.Name+" is new here")
}

// All is every action of the app.
func All(users *Users) actionhero.Parts {
	return actionhero.Parts{
		Greet,
		actionhero.Action[CreateInput, CreateOutput]{
			Name: "createUser", Description: "Makes a user", Route: "POST /users", Run: users.Create,
		},
	}
}

// MemoryDB is a DB in the memory of this process.
type MemoryDB struct {
	mu    sync.Mutex
	names map[string]int
}

// NewMemoryDB returns an empty MemoryDB.
func NewMemoryDB() *MemoryDB { return &MemoryDB{names: map[string]int{}} }

// Insert adds a user.
func (db *MemoryDB) Insert(_ context.Context, name, _ string) (int, error) {
	db.mu.Lock()
	defer db.mu.Unlock()
	if _, taken := db.names[name]; taken {
		return 0, ErrTaken
	}
	db.names[name] = len(db.names) + 1
	return db.names[name], nil
}
