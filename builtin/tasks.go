package builtin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// RunActionInput is the input of [RunAction]. The params of the job also include the params for the action.
type RunActionInput struct {
	Action string `json:"action" required:"true" doc:"the action to run; it gets all other params of the task"`
}

// RunAction is the task "runAction", which runs an action as a background job. Enqueue it with the name of the action
// and the params of the action in one object, as a client sends them. An unknown action is refused when the job is
// enqueued. The output of the action is dropped. If the action fails with CodeInvalidInput, CodeNotFound,
// CodeUnauthenticated or CodePermissionDenied, the job is cancelled, because a retry cannot succeed. After any other
// error, the job is retried.
var RunAction = actionhero.Task[RunActionInput]{
	Name:        "runAction",
	Description: "Runs an action as a task",
	OtherParams: true,
	Check: func(api *actionhero.API, in RunActionInput) error {
		req := transport.Of(api).NewRequest("task")
		req.Action = in.Action
		return transport.Of(api).CheckAction(req)
	},
	Run: func(ctx context.Context, in RunActionInput) error {
		task := actionhero.RequestFrom(ctx)
		host := transport.Of(task.API)
		req := host.NewRequest("task")
		req.Action = in.Action
		if err := transport.ParamsOf(&req.Params).AddParams(&task.Params); err != nil {
			return err
		}
		out, err := host.Dispatch(ctx, req)
		if content, ok := out.(*actionhero.Content); ok && content != nil {
			return content.Close()
		}
		if err != nil && slices.Contains(finalCodes, actionhero.AsError(err).Code) {
			return actionhero.CancelJob(err)
		}
		return err
	},
}

// finalCodes are the codes of errors with which an action fails again if it is run again with the same params.
var finalCodes = []actionhero.Code{actionhero.CodeInvalidInput, actionhero.CodeNotFound, actionhero.CodeUnauthenticated, actionhero.CodePermissionDenied}

// CleanLogFiles returns the task "cleanLogFiles". Each minute, on every node, the task removes the files in folder that
// are larger than maxBytes. The argument keep is the name of a file that the task does not remove, because the server
// writes to that file and rotates it. The task does not enter subfolders.
func CleanLogFiles(folder, keep string, maxBytes int64) actionhero.Task[actionhero.None] {
	return actionhero.Task[actionhero.None]{
		Name:        "cleanLogFiles",
		Description: "Removes log files that are too large",
		Scope:       actionhero.ScopeAllNodes, Frequency: time.Minute,
		Run: func(ctx context.Context, _ actionhero.None) error {
			return cleanFolder(ctx, folder, keep, maxBytes)
		},
	}
}

func cleanFolder(ctx context.Context, folder, keep string, maxBytes int64) error {
	root, err := os.OpenRoot(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the log folder cannot be opened: %w", err)
	}
	defer root.Close()
	files, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return fmt.Errorf("the log folder cannot be read: %w", err)
	}
	log := actionhero.RequestFrom(ctx).API.Log()
	for _, file := range files {
		info, err := file.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() <= maxBytes || file.Name() == keep {
			continue
		}
		if err := root.Remove(file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("a log file cannot be removed: %w", err)
		}
		log.Info("a log file was removed because it was too large", "file", file.Name(), "bytes", info.Size())
	}
	return nil
}

// CleanOldCacheObjects is the task "cleanOldCacheObjects". Every ten seconds, on one node of the cluster, it logs the
// number of objects in the cache at level debug. In the original actionhero, the task removed expired objects. Here
// each cache removes expired objects without a task.
var CleanOldCacheObjects = actionhero.Task[actionhero.None]{
	Name:        "cleanOldCacheObjects",
	Description: "Logs how many objects the cache has that have not expired",
	Frequency:   10 * time.Second,
	Run: func(ctx context.Context, _ actionhero.None) error {
		api := actionhero.RequestFrom(ctx).API
		objects, err := api.Cache.Size(ctx)
		if err == nil {
			api.Log().Debug("objects in the cache", "objects", objects)
		}
		return err
	},
}

// keepAlive is the message that [PingSocketClients] sends.
type keepAlive struct {
	Context    string `json:"context"`
	Status     string `json:"status"`
	ServerTime int64  `json:"serverTime"` // Unix milliseconds
}

// PingSocketClients is the task "pingSocketClients". Each minute, every node sends a keep-alive message to all its
// persistent clients.
var PingSocketClients = actionhero.Task[actionhero.None]{
	Name:        "pingSocketClients",
	Description: "Sends a keep-alive message to all persistent clients",
	Scope:       actionhero.ScopeAllNodes, Frequency: time.Minute,
	Run: func(ctx context.Context, _ actionhero.None) error {
		_, err := actionhero.RequestFrom(ctx).API.Rooms.BroadcastNode(ctx, keepAlive{"api", "keep-alive", time.Now().UnixMilli()})
		return err
	},
}
