package presence

import "github.com/redis/go-redis/v9"

// scripts are the Lua scripts of nodes and leases.
type scripts struct{ publishNode, holdLeases, releaseLease *redis.Script }

func newScripts() scripts {
	return scripts{
		publishNode: redis.NewScript(publishNode), holdLeases: redis.NewScript(holdLeases),
		releaseLease: redis.NewScript(releaseLease),
	}
}
