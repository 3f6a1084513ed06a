package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing/fstest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/plugins/sqlite"
)

// migrations stands for files that an app embeds:
//
//	//go:embed migrations/*.sql
//	var migrations embed.FS
var migrations = fstest.MapFS{
	"migrations/0001_users.sql": {Data: []byte(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);`)},
}

type userAddInput struct {
	Name string `json:"name" required:"true"`
}

type userAddOutput struct {
	ID int64 `json:"id"`
}

// userAdd is an action that needs the database.
func userAdd(db actionhero.Value[*sql.DB]) actionhero.Action[userAddInput, userAddOutput] {
	return actionhero.Action[userAddInput, userAddOutput]{
		Name: "userAdd",
		Run: func(ctx context.Context, in userAddInput) (out userAddOutput, err error) {
			result, err := db.Get().ExecContext(ctx, `INSERT INTO users (name) VALUES (?)`, in.Name)
			if err == nil {
				out.ID, err = result.LastInsertId()
			}
			return out, err
		},
	}
}

// The plugin is one of the parts of an app. The parts that need the database get it with actionhero.Use.
func ExampleNew() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	users := actionhero.Initializer{Name: "users", Setup: func(api *actionhero.API) error {
		return api.Register(userAdd(actionhero.Use[*sql.DB](api)))
	}}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)},
		users, sqlite.New(sqlite.Options{Migrations: migrations}), sqlite.File(filepath.Join(dir, "users.db")))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"Ann", "Bo"} {
		fmt.Println(userAdd(actionhero.Use[*sql.DB](api)).Call(ctx, api, userAddInput{name}))
	}
	fmt.Println(api.Health(ctx), api.Stop(ctx))
	// Output:
	// {1} <nil>
	// {2} <nil>
	// <nil> <nil>
}
