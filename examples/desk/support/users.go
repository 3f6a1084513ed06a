package support

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/limit"
	"github.com/actionhero-go/actionhero/web"
)

func (d *desk) userParts() actionhero.Parts {
	// One address may sign up some users. So it finds out slowly which addresses have accounts.
	signUps := limit.New(limit.Limit{Name: "signUps", Events: 20, Per: time.Hour}).By(limit.IP)
	return actionhero.Parts{
		actionhero.Action[SignUpInput, User]{
			Name: "signUp", Description: "Makes an account for a customer, and logs in", Route: "POST /signup",
			Access: actionhero.Public, Middleware: []actionhero.Middleware{signUps}, MaxBody: 16 << 10, Run: d.signUp,
		},
		actionhero.Action[LoginInput, User]{
			Name: "login", Description: "Logs in with a password", Route: "POST /login",
			Access: actionhero.Public, MaxBody: 16 << 10, Run: d.login,
		},
		actionhero.Action[actionhero.None, actionhero.None]{
			Name: "logout", Description: "Ends the session", Route: "POST /logout", Access: actionhero.Public,
			Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
				return none, d.sessions.Logout(ctx)
			},
		},
		actionhero.Action[actionhero.None, User]{
			Name: "me", Description: "Says who you are", Route: "GET /me", Kind: actionhero.KindRead, Run: d.me,
		},
		actionhero.Action[RoleInput, User]{
			Name: "userRole", Description: "Gives a user a role", Route: "POST /users/role", Access: actionhero.Roles(admin).And(ownLogin),
			Idempotent: true, Run: d.setRole,
		},
	}
}

// User is a user as others see it.
type User struct {
	ID    int64  `json:"id"`
	Email string `json:"email"`
	Name  string `json:"name"`
	Role  string `json:"role"`
}

func (u User) identity() actionhero.Identity {
	return actionhero.Identity{ID: strconv.FormatInt(u.ID, 10), Roles: []string{u.Role}}
}

// userID returns the id of the user who calls, and 0 for the command line.
func userID(who actionhero.Identity) int64 {
	id, _ := strconv.ParseInt(who.ID, 10, 64) // each identity is from User.identity
	return id
}

func isAgent(who actionhero.Identity) bool { return who.HasRole(agent) || who.HasRole(admin) }

// querier is a database or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// findUser returns the user of whom a column has this value, with the hash of its password.
func findUser(ctx context.Context, q querier, column string, value any) (u User, hash string, err error) {
	err = q.QueryRowContext(ctx, `SELECT id, email, name, role, password FROM users WHERE `+column+` = ?`, value).
		Scan(&u.ID, &u.Email, &u.Name, &u.Role, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = actionhero.Errorf(actionhero.CodeNotFound, "there is no such user")
	}
	return u, hash, err
}

// SignUpInput is the input of the action `signUp`.
type SignUpInput struct {
	Email    string `json:"email" required:"true" format:"email" maxLength:"254"`
	Name     string `json:"name" required:"true" maxLength:"60" pattern:"^[^\\p{C}]+$" doc:"the name that others see"`
	Password string `json:"password" required:"true" minLength:"10" maxLength:"200" secret:"true"`
}

func (d *desk) signUp(ctx context.Context, in SignUpInput) (u User, err error) {
	hash, err := auth.HashPassword(ctx, in.Password)
	if err != nil {
		return u, err
	}
	u = User{Email: strings.ToLower(in.Email), Name: in.Name, Role: customer}
	result, err := d.db.Get().ExecContext(ctx, `INSERT INTO users (email, name, password) VALUES (?, ?, ?) ON CONFLICT (email) DO NOTHING`, u.Email, u.Name, hash)
	if err != nil {
		return u, err
	}
	if added, err := result.RowsAffected(); err != nil || added == 0 {
		return u, errors.Join(err, actionhero.Errorf(actionhero.CodeAlreadyExists, "%s has an account", u.Email))
	}
	if u.ID, err = result.LastInsertId(); err != nil {
		return u, err
	}
	web.SetStatus(ctx, http.StatusCreated)
	return u, d.sessions.Login(ctx, u.identity())
}

// LoginInput is the input of the action `login`.
type LoginInput struct {
	Email    string `json:"email" required:"true" maxLength:"254"`
	Password string `json:"password" required:"true" secret:"true"`
}

func (d *desk) login(ctx context.Context, in LoginInput) (User, error) {
	email := strings.ToLower(in.Email)
	if err := d.guesses.Allow(ctx, email); err != nil {
		return User{}, err
	}
	u, hash, err := findUser(ctx, d.db.Get(), "email", email)
	if err != nil && actionhero.AsError(err).Code != actionhero.CodeNotFound {
		return User{}, err
	}
	if err := auth.CheckPassword(ctx, hash, in.Password); err != nil { // takes its time for no account, too
		return User{}, err
	}
	if err := d.guesses.Succeeded(ctx, email); err != nil {
		return User{}, err
	}
	return u, d.sessions.Login(ctx, u.identity())
}

// sessionIdentity is the user of a session with its role of today.
func (d *desk) sessionIdentity(ctx context.Context, who actionhero.Identity) (actionhero.Identity, error) {
	u, _, err := findUser(ctx, d.db.Get(), "id", userID(who))
	return u.identity(), err
}

func (d *desk) me(ctx context.Context, _ actionhero.None) (User, error) {
	u, _, err := findUser(ctx, d.db.Get(), "id", userID(actionhero.IdentityFrom(ctx)))
	return u, err
}

// RoleInput is the input of the action `userRole`.
type RoleInput struct {
	Email string `json:"email" required:"true" format:"email"`
	Role  string `json:"role" required:"true" enum:"customer,agent,admin"`
}

// setRole changes the role, and then closes all connections with the old one. Sessions and API keys have the new role from
// then on. The tickets of an agent who becomes a customer are assigned to no agent.
func (d *desk) setRole(ctx context.Context, in RoleInput) (u User, err error) {
	err = d.change(ctx, func(tx *sql.Tx) error {
		if u, _, err = findUser(ctx, tx, "email", strings.ToLower(in.Email)); err != nil {
			return err
		}
		u.Role = in.Role
		if _, err := tx.ExecContext(ctx, `UPDATE users SET role = ? WHERE id = ?`, u.Role, u.ID); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE tickets SET assignee = NULL WHERE assignee = ? AND ? = 'customer'`, u.ID, u.Role)
		return err
	})
	if err != nil {
		return u, err
	}
	_, err = d.api.Conns.User(u.identity().ID).Close(ctx, "your role has changed: connect again")
	return u, err
}
