package server

import "github.com/labstack/echo/v4"

const entityPath = "/v1/applications/:application/entities/:entity"

func (s *Server) routes() {
	s.applicationRoutes(s.echo.Group("/v1/applications"))
	s.entityRoutes(s.echo.Group(entityPath))
	s.valueRoutes(s.echo.Group(entityPath))
	s.adjunctRoutes(s.echo.Group(entityPath))
	s.workflowRoutes(s.echo.Group(entityPath + "/workflows"))
	s.activityRoutes(s.echo.Group("/v1/activities/:task"))
	s.locationRoutes(s.echo.Group("/v1/locations"))
	s.catalogRoutes(s.echo.Group("/v1/catalog"))
	s.moduleRoutes(s.echo.Group("/v1/modules"))
	s.serverRoutes(s.echo.Group("/v1/server"))
	s.sessionRoutes(s.echo.Group("/v1"))
	s.echo.GET("/metrics", newMetrics(s.moduleCounts, s.log))
}

func (s *Server) applicationRoutes(g *echo.Group) {
	g.GET("", s.listApplications)
	g.POST("", s.createApplication)
	g.GET("/fetch", s.fetch)
	g.GET("/details", s.details)
	g.GET("/:application", on(s.application, s.getApplication))
	g.PUT("/:application", s.putApplication)
	g.DELETE("/:application", on(s.application, s.deleteApplication))
	g.GET("/:application/entities", on(s.application, s.listEntities))
	g.GET("/:application/descendants", on(s.application, s.descendants))
	g.GET("/:application/descendants/sensor/:sensor", on(s.application, s.descendantsSensor))
}

func (s *Server) entityRoutes(g *echo.Group) {
	g.GET("", on(s.entity, s.getEntity))
	g.GET("/children", on(s.entity, s.listChildren))
	g.POST("/children", on(s.entity, s.addChildren))
	g.GET("/relations", on(s.entity, s.listRelations))
	g.GET("/activities", on(s.entity, s.entityActivities))
	g.GET("/activities/:task", on(s.entity, s.entityActivity))
	g.GET("/icon", on(s.entity, s.entityIcon))
	g.GET("/tags", on(s.entity, s.listTags))
	g.POST("/tag/add", on(s.entity, s.addTag))
	g.POST("/tag/delete", on(s.entity, s.deleteTag))
	g.POST("/tag/upsert/:key", on(s.entity, s.upsertTag))
	g.GET("/tag/get/:key", on(s.entity, s.getTag))
	g.POST("/name", on(s.entity, s.rename))
	g.POST("/expunge", on(s.entity, s.expunge))
	g.GET("/descendants", on(s.entity, s.descendants))
	g.GET("/descendants/sensor/:sensor", on(s.entity, s.descendantsSensor))
	g.GET("/locations", on(s.entity, s.entityLocations))
	g.GET("/spec", on(s.entity, s.getSpec))
	g.GET("/speclist", on(s.entity, s.listSpecs))
	g.GET("/effectors", on(s.entity, s.listEffectors))
	g.POST("/effectors/:effector", on(s.entity, s.invoke))
}

func (s *Server) valueRoutes(g *echo.Group) {
	g.GET("/sensors", on(s.entity, s.listSensors))
	g.POST("/sensors", on(s.entity, s.setSensors))
	g.GET("/sensors/current-state", on(s.entity, s.currentSensors))
	g.GET("/sensors/:sensor", on(s.entity, s.getSensor))
	g.POST("/sensors/:sensor", on(s.entity, s.setSensor))
	g.DELETE("/sensors/:sensor", on(s.entity, s.clearSensor))
	g.GET("/config", on(s.entity, s.listConfig))
	g.POST("/config", on(s.entity, s.setConfigs))
	g.GET("/config/current-state", on(s.entity, s.currentConfig))
	g.GET("/config/:config", on(s.entity, s.getConfig))
	g.GET("/config/:config/explain", on(s.entity, s.explainConfig))
	g.POST("/config/:config", on(s.entity, s.setConfig))
}

func (s *Server) adjunctRoutes(g *echo.Group) {
	for _, base := range []string{"/policies", "/adjuncts"} {
		g.GET(base, on(s.entity, s.listAdjuncts))
		g.DELETE(base+"/:adjunct", s.removeAdjunct)
		g.GET(base+"/:adjunct/config", s.listAdjunctConfig)
		g.GET(base+"/:adjunct/config/:config", s.getAdjunctConfig)
		g.POST(base+"/:adjunct/config/:config", s.setAdjunctConfig)
		g.PUT(base+"/:adjunct/config/:config", s.setAdjunctConfig)
		g.POST(base+"/:adjunct/config/:config/set", s.setAdjunctConfig)
		g.POST(base+"/:adjunct/start", s.startAdjunct)
		g.POST(base+"/:adjunct/stop", s.stopAdjunct)
	}
	g.POST("/policies", on(s.entity, s.addPolicy))
	g.POST("/adjuncts", on(s.entity, s.addAdjunct))
	g.GET("/policies/current-state", on(s.entity, s.currentPolicies))
	g.GET("/policies/:adjunct", s.adjunctStatus)
	g.GET("/policies/:adjunct/config/current-state", s.currentAdjunctConfig)
	g.POST("/policies/:adjunct/destroy", s.removeAdjunct)
	g.GET("/adjuncts/:adjunct", s.getAdjunct)
	g.GET("/adjuncts/:adjunct/status", s.adjunctStatus)
	g.GET("/adjuncts/:adjunct/config-current", s.currentAdjunctConfig)
	g.GET("/adjuncts/:adjunct/activities", s.adjunctActivities)
	g.GET("/adjuncts/:adjunct/icon", s.adjunctIcon)
}

func (s *Server) workflowRoutes(g *echo.Group) {
	g.GET("", on(s.entity, s.listWorkflows))
	g.POST("", on(s.entity, s.runWorkflow))
	g.GET("/:workflow", on(s.entity, s.getWorkflow))
	g.DELETE("/:workflow", on(s.entity, s.deleteWorkflow))
	g.POST("/:workflow/replay/from/:step", on(s.entity, s.replayWorkflow))
}

func (s *Server) activityRoutes(g *echo.Group) {
	g.GET("", on(s.task, s.getActivity))
	g.GET("/children", on(s.task, s.activityChildren))
	g.GET("/children/recurse", on(s.task, s.activityDescendants))
	g.GET("/stream/:stream", on(s.task, s.activityStream))
	g.POST("/cancel", on(s.task, s.cancelActivity))
}

func (s *Server) locationRoutes(g *echo.Group) {
	fixed := unsupported("locations are part of the server's configuration file")
	g.GET("", s.listLocations)
	g.POST("", fixed)
	g.GET("/:location", s.getLocation)
	g.DELETE("/:location", fixed)
}

func (s *Server) moduleRoutes(g *echo.Group) {
	g.GET("", s.listModules)
	g.GET("/:name", s.listModuleVersions)
	g.GET("/:name/:version", on(s.module, s.getModule))
	g.GET("/:name/:version/trace", on(s.module, s.traceModule))
	g.POST("/:name/:version/grants", on(s.module, s.grantModule))
	g.POST("/:name/:version/resume", on(s.module, s.resumeModule))
	g.POST("/:name/rollback", s.rollbackModule)
}

func (s *Server) catalogRoutes(g *echo.Group) {
	g.POST("", s.addToCatalog)
	g.GET("/types", s.listTypes)
	g.GET("/types/:name", s.listTypeVersions)
	g.GET("/types/:name/:version", s.getType)
	g.GET("/types/:name/:version/icon", s.typeIcon)
	g.GET("/icon/:name/:version", s.typeIcon)
	g.POST("/entities/:name/deprecated", s.markType("deprecated"))
	g.POST("/entities/:name/disabled", s.markType("disabled"))
	bundles := g.Group("/bundles")
	bundles.POST("", s.addBundle)
	bundles.GET("", s.listBundles)
	bundles.GET("/:name", s.listBundleVersions)
	bundles.GET("/:name/:version", on(s.bundle, s.getBundle))
	bundles.DELETE("/:name/:version", on(s.bundle, s.deleteBundle))
	bundles.GET("/:name/:version/download", on(s.bundle, s.downloadBundle))
	bundles.GET("/:name/:version/icon", on(s.bundle, s.bundleIcon))
	bundles.GET("/:name/:version/types", on(s.bundle, s.listBundleTypes))
	bundles.GET("/:name/:version/types/:type", on(s.bundleType, s.getBundleType))
	bundles.GET("/:name/:version/types/:type/:typeVersion", on(s.bundleType, s.getBundleType))
	bundles.GET("/:name/:version/types/:type/:typeVersion/icon", on(s.bundleType, s.bundleTypeIcon))
	for _, kind := range []string{"applications", "entities", "policies", "enrichers", "locations"} {
		g.GET("/"+kind, s.listCatalog(kind))
		g.GET("/"+kind+"/:name", s.getCatalog(kind))
		g.GET("/"+kind+"/:name/:version", s.getCatalog(kind))
		g.DELETE("/"+kind+"/:name/:version", s.deleteFromCatalog(kind))
	}
}

func (s *Server) serverRoutes(g *echo.Group) {
	g.GET("/version", s.version)
	g.GET("/planeid", s.planeID)
	g.GET("/up", s.up)
	g.GET("/up/extended", s.upExtended)
	g.GET("/healthy", s.healthy)
	g.GET("/shuttingDown", s.shuttingDown)
	g.GET("/user", s.user)
	g.GET("/ha/state", s.haState)
	g.GET("/ha/states", s.haStates)
	g.GET("/ha/priority", s.haPriority)
	g.POST("/shutdown", unsupported("send the process SIGTERM"))
	g.POST("/properties/reload", unsupported("restart the server to read its configuration again"))
}

func (s *Server) sessionRoutes(g *echo.Group) {
	g.GET("/access", s.access)
	g.POST("/logout", s.logout)
}
