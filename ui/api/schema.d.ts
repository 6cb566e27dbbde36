// Made by `npm run ui:types` out of /openapi.json: what the UI calls.
export interface paths {
    "/health/live": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process runs */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            status: "ok";
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Whether calls can be served, and which dependency is down
         * @description `degraded`: something is down, and sessions are served without it. `down`: they are not. `draining`: the server is stopping.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            status: "ok" | "degraded" | "down" | "draining";
                            dependencies: {
                                [key: string]: "ok" | "down";
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the first admin is still to be made */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            needed: boolean;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Make the first admin
         * @description Takes the one-time code that the server printed at its first start, and logs the admin in.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                        name: string;
                        password: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            /** Format: date-time */
                            expires_at: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log in
         * @description The answer sets a cookie, which is sent by this site's own pages only. An admin with a second factor sends `code` too; without it the answer is 401 with `totp_required`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name: string;
                        password: string;
                        code?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            name: string;
                            /** Format: date-time */
                            expires_at: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-protected-resource": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How to authenticate */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            resource: string;
                            resource_name: string;
                            bearer_methods_supported: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/.well-known/oauth-protected-resource/mcp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** How to authenticate */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            resource: string;
                            resource_name: string;
                            bearer_methods_supported: string[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/tools": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The catalogue of tools */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/whoami": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The session of this token */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            [key: string]: unknown;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the connections */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            settings: {
                                provider_order: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                capability_order: {
                                    quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                };
                                caching: boolean;
                                /** @enum {unknown} */
                                cache_scope: "session" | "connection";
                                ttl_seconds: {
                                    [key: string]: number;
                                };
                                quota: {
                                    alpaca?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    polygon?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    fmp?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    finnhub?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    sample?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                };
                                hedging: boolean;
                                /** @enum {unknown} */
                                alpaca_feed: "iex" | "sip" | "delayed_sip";
                                /** @enum {unknown} */
                                alpaca_environment: "paper" | "live";
                                endpoints: {
                                    alpaca_data?: string;
                                    alpaca_trading?: string;
                                    polygon?: string;
                                    fmp?: string;
                                    finnhub?: string;
                                };
                            };
                            credentials: {
                                /** @enum {unknown} */
                                provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                fingerprint: string;
                                /** Format: date-time */
                                set_at: string;
                                test_status: string | null;
                                test_latency_ms: number | null;
                                test_message: string | null;
                                tested_at: string | null;
                            }[];
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            updated_at: string;
                        }[];
                    };
                };
            };
        };
        put?: never;
        /**
         * Create a connection
         * @description What `settings` leaves out stands at its default.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name: string;
                        settings?: {
                            provider_order?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            capability_order?: {
                                quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            };
                            caching?: boolean;
                            /** @enum {unknown} */
                            cache_scope?: "session" | "connection";
                            ttl_seconds?: {
                                [key: string]: number;
                            };
                            quota?: {
                                alpaca?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                polygon?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                fmp?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                finnhub?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                sample?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                            };
                            hedging?: boolean;
                            /** @enum {unknown} */
                            alpaca_feed?: "iex" | "sip" | "delayed_sip";
                            /** @enum {unknown} */
                            alpaca_environment?: "paper" | "live";
                            endpoints?: {
                                alpaca_data?: string;
                                alpaca_trading?: string;
                                polygon?: string;
                                fmp?: string;
                                finnhub?: string;
                            };
                        };
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            settings: {
                                provider_order: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                capability_order: {
                                    quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                };
                                caching: boolean;
                                /** @enum {unknown} */
                                cache_scope: "session" | "connection";
                                ttl_seconds: {
                                    [key: string]: number;
                                };
                                quota: {
                                    alpaca?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    polygon?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    fmp?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    finnhub?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    sample?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                };
                                hedging: boolean;
                                /** @enum {unknown} */
                                alpaca_feed: "iex" | "sip" | "delayed_sip";
                                /** @enum {unknown} */
                                alpaca_environment: "paper" | "live";
                                endpoints: {
                                    alpaca_data?: string;
                                    alpaca_trading?: string;
                                    polygon?: string;
                                    fmp?: string;
                                    finnhub?: string;
                                };
                            };
                            credentials: {
                                /** @enum {unknown} */
                                provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                fingerprint: string;
                                /** Format: date-time */
                                set_at: string;
                                test_status: string | null;
                                test_latency_ms: number | null;
                                test_message: string | null;
                                tested_at: string | null;
                            }[];
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            updated_at: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Read a connection */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            settings: {
                                provider_order: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                capability_order: {
                                    quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                };
                                caching: boolean;
                                /** @enum {unknown} */
                                cache_scope: "session" | "connection";
                                ttl_seconds: {
                                    [key: string]: number;
                                };
                                quota: {
                                    alpaca?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    polygon?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    fmp?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    finnhub?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    sample?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                };
                                hedging: boolean;
                                /** @enum {unknown} */
                                alpaca_feed: "iex" | "sip" | "delayed_sip";
                                /** @enum {unknown} */
                                alpaca_environment: "paper" | "live";
                                endpoints: {
                                    alpaca_data?: string;
                                    alpaca_trading?: string;
                                    polygon?: string;
                                    fmp?: string;
                                    finnhub?: string;
                                };
                            };
                            credentials: {
                                /** @enum {unknown} */
                                provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                fingerprint: string;
                                /** Format: date-time */
                                set_at: string;
                                test_status: string | null;
                                test_latency_ms: number | null;
                                test_message: string | null;
                                tested_at: string | null;
                            }[];
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            updated_at: string;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Delete a connection
         * @description Destroys its keys for good and ends its sessions. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a connection
         * @description Members of `settings` that are left out stay as they are; each one given is replaced whole.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name?: string;
                        settings?: {
                            provider_order?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            capability_order?: {
                                quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            };
                            caching?: boolean;
                            /** @enum {unknown} */
                            cache_scope?: "session" | "connection";
                            ttl_seconds?: {
                                [key: string]: number;
                            };
                            quota?: {
                                alpaca?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                polygon?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                fmp?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                finnhub?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                                sample?: {
                                    per_second?: number | null;
                                    per_minute?: number | null;
                                    per_day?: number | null;
                                };
                            };
                            hedging?: boolean;
                            /** @enum {unknown} */
                            alpaca_feed?: "iex" | "sip" | "delayed_sip";
                            /** @enum {unknown} */
                            alpaca_environment?: "paper" | "live";
                            endpoints?: {
                                alpaca_data?: string;
                                alpaca_trading?: string;
                                polygon?: string;
                                fmp?: string;
                                finnhub?: string;
                            };
                        };
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            settings: {
                                provider_order: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                capability_order: {
                                    quote?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    bars?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    search?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    profile?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    news?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_status?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    financials?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    key_metrics?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    earnings_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    corporate_actions?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    analyst_ratings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    insider_trades?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    institutional_holders?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_movers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    options_chain?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    economic_indicator?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    filings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    etf_holdings?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    index_constituents?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                    market_calendar?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                };
                                caching: boolean;
                                /** @enum {unknown} */
                                cache_scope: "session" | "connection";
                                ttl_seconds: {
                                    [key: string]: number;
                                };
                                quota: {
                                    alpaca?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    polygon?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    fmp?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    finnhub?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                    sample?: {
                                        per_second?: number | null;
                                        per_minute?: number | null;
                                        per_day?: number | null;
                                    };
                                };
                                hedging: boolean;
                                /** @enum {unknown} */
                                alpaca_feed: "iex" | "sip" | "delayed_sip";
                                /** @enum {unknown} */
                                alpaca_environment: "paper" | "live";
                                endpoints: {
                                    alpaca_data?: string;
                                    alpaca_trading?: string;
                                    polygon?: string;
                                    fmp?: string;
                                    finnhub?: string;
                                };
                            };
                            credentials: {
                                /** @enum {unknown} */
                                provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                fingerprint: string;
                                /** Format: date-time */
                                set_at: string;
                                test_status: string | null;
                                test_latency_ms: number | null;
                                test_message: string | null;
                                tested_at: string | null;
                            }[];
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            updated_at: string;
                        };
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/connections/{id}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what a connection has used, and what its keys are not for
         * @description What a key was refused for is remembered for six hours; testing the key, or storing it anew, forgets it.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                            has_key: boolean;
                            windows: {
                                /** @enum {unknown} */
                                per: "second" | "minute" | "day";
                                used: number;
                                limit: number | null;
                                left: number | null;
                                frees_at: string | null;
                                /** @enum {unknown} */
                                source: "plan" | "learned" | "set";
                            }[];
                            blocked_until: string | null;
                            limit: {
                                limit: number | null;
                                remaining: number | null;
                                resets_at: string | null;
                                observed_at: string;
                            } | null;
                            not_entitled: {
                                /** @enum {unknown} */
                                capability: "quote" | "bars" | "search" | "profile" | "news" | "market_status" | "financials" | "key_metrics" | "earnings" | "earnings_calendar" | "corporate_actions" | "analyst_ratings" | "insider_trades" | "institutional_holders" | "market_movers" | "options_chain" | "economic_calendar" | "economic_indicator" | "filings" | "etf_holdings" | "index_constituents" | "market_calendar";
                                endpoint: string;
                                message: string;
                                learned_at: string;
                                until: string;
                            }[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/entitlements": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what each provider answers over a connection, and what it was found not to
         * @description By capability and provider: whether the provider has it, whether there is a key, and what the key was refused for.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            providers: {
                                /** @enum {unknown} */
                                provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                title: string;
                                has_key: boolean;
                                windows: {
                                    /** @enum {unknown} */
                                    per: "second" | "minute" | "day";
                                    used: number;
                                    limit: number | null;
                                    left: number | null;
                                    frees_at: string | null;
                                    /** @enum {unknown} */
                                    source: "plan" | "learned" | "set";
                                }[];
                            }[];
                            capabilities: {
                                /** @enum {unknown} */
                                capability: "quote" | "bars" | "search" | "profile" | "news" | "market_status" | "financials" | "key_metrics" | "earnings" | "earnings_calendar" | "corporate_actions" | "analyst_ratings" | "insider_trades" | "institutional_holders" | "market_movers" | "options_chain" | "economic_calendar" | "economic_indicator" | "filings" | "etf_holdings" | "index_constituents" | "market_calendar";
                                providers: {
                                    /** @enum {unknown} */
                                    provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                                    /** @enum {unknown} */
                                    state: "supported" | "refused" | "key_refused" | "needs_key" | "keyless" | "absent";
                                    place: number | null;
                                    refusals: {
                                        endpoint: string;
                                        message: string;
                                        learned_at: string;
                                        until: string;
                                    }[];
                                }[];
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/providers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the providers, what they answer, and where a key is to be had */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                            title: string;
                            credential_fields: ("api_key" | "key_id" | "secret_key")[];
                            key_url: string | null;
                            capabilities: {
                                /** @enum {unknown} */
                                capability: "quote" | "bars" | "search" | "profile" | "news" | "market_status" | "financials" | "key_metrics" | "earnings" | "earnings_calendar" | "corporate_actions" | "analyst_ratings" | "insider_trades" | "institutional_holders" | "market_movers" | "options_chain" | "economic_calendar" | "economic_indicator" | "filings" | "etf_holdings" | "index_constituents" | "market_calendar";
                                asset_classes: string[] | null;
                                keyless: string[];
                            }[];
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/credentials/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Store a provider key
         * @description Alpaca takes `key_id` and `secret_key`; Polygon, FMP and Finnhub take `api_key`. A key that stood before is replaced. It is sealed at once and never returned.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        api_key: string;
                    } | {
                        key_id: string;
                        secret_key: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                            fingerprint: string;
                            /** Format: date-time */
                            set_at: string;
                            test_status: string | null;
                            test_latency_ms: number | null;
                            test_message: string | null;
                            tested_at: string | null;
                        };
                    };
                };
            };
        };
        post?: never;
        /** Delete a provider key */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/credentials/{provider}/test": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test a stored key
         * @description Asks the provider with its cheapest call. `status` is `ok`, or the code of the error.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    provider: "alpaca" | "polygon" | "fmp" | "finnhub" | "sample";
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            status: string;
                            latency_ms: number;
                            message: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/tools": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the tools that can be called over a connection */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            tools: {
                                name: string;
                                title: string;
                                description: string;
                                input_schema: {
                                    [key: string]: unknown;
                                };
                                output_schema: {
                                    [key: string]: unknown;
                                };
                                annotations: {
                                    [key: string]: unknown;
                                };
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/tools/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Call a tool over a connection
         * @description The body holds the tool's arguments. The answer is what a REST client gets, with the text that an MCP client hands to its model beside it. The call is cached, counted and recorded as any other, in the admin's name.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        [key: string]: unknown;
                    } | null;
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            answer: {
                                [key: string]: unknown;
                            };
                            table: {
                                columns: string[];
                                rows: unknown[][];
                            } | null;
                            text: string;
                            tokens_estimated: number;
                            latency_ms: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a session
         * @description The answer holds `access_token`, which is shown this once.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name?: string;
                        ttl_seconds?: number | null;
                        idle_seconds?: number | null;
                        scope?: {
                            answer_tokens?: number | null;
                            tools?: string[];
                            providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            calls_per_day?: number;
                            addresses?: string[];
                        };
                    } | null;
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            session_id: string;
                            /** Format: uuid */
                            connection_id: string;
                            name: string | null;
                            /** @enum {unknown} */
                            state: "active" | "expired" | "revoked";
                            token_last_four: string;
                            scope: {
                                answer_tokens?: number | null;
                                tools?: string[];
                                providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                calls_per_day?: number;
                                addresses?: string[];
                            };
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            idle_seconds: number | null;
                            last_used_at: string | null;
                            first_call_at: string | null;
                            rotated_at: string | null;
                            previous_last_four: string | null;
                            previous_expires_at: string | null;
                            previous_used_at: string | null;
                            revoked_at: string | null;
                            client_name: string | null;
                            client_version: string | null;
                            last_address: string | null;
                            access_token: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/connections/{id}/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List a connection's sessions */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            session_id: string;
                            /** Format: uuid */
                            connection_id: string;
                            name: string | null;
                            /** @enum {unknown} */
                            state: "active" | "expired" | "revoked";
                            token_last_four: string;
                            scope: {
                                answer_tokens?: number | null;
                                tools?: string[];
                                providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                calls_per_day?: number;
                                addresses?: string[];
                            };
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            idle_seconds: number | null;
                            last_used_at: string | null;
                            first_call_at: string | null;
                            rotated_at: string | null;
                            previous_last_four: string | null;
                            previous_expires_at: string | null;
                            previous_used_at: string | null;
                            revoked_at: string | null;
                            client_name: string | null;
                            client_version: string | null;
                            last_address: string | null;
                            calls_today: number;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Revoke all sessions of a connection
         * @description A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            revoked: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read a session
         * @description A client's first use, its name and its first call stand in it a moment after they came, later uses within a minute: ask again until `first_call_at` is set to wait for a client.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            session_id: string;
                            /** Format: uuid */
                            connection_id: string;
                            name: string | null;
                            /** @enum {unknown} */
                            state: "active" | "expired" | "revoked";
                            token_last_four: string;
                            scope: {
                                answer_tokens?: number | null;
                                tools?: string[];
                                providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                calls_per_day?: number;
                                addresses?: string[];
                            };
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            idle_seconds: number | null;
                            last_used_at: string | null;
                            first_call_at: string | null;
                            rotated_at: string | null;
                            previous_last_four: string | null;
                            previous_expires_at: string | null;
                            previous_used_at: string | null;
                            revoked_at: string | null;
                            client_name: string | null;
                            client_version: string | null;
                            last_address: string | null;
                            calls_today: number;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Revoke a session
         * @description Its token is refused from now on; its open streams and the calls under way end.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Revoked */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        /**
         * Change a session
         * @description What is left out stays; `scope` is replaced whole. Another scope comes with a new token: the answer holds `access_token`, which is shown this once, and the former one is refused from now on.
         */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name?: string | null;
                        idle_seconds?: number | null;
                        scope?: {
                            answer_tokens?: number | null;
                            tools?: string[];
                            providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                            calls_per_day?: number;
                            addresses?: string[];
                        };
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            session_id: string;
                            /** Format: uuid */
                            connection_id: string;
                            name: string | null;
                            /** @enum {unknown} */
                            state: "active" | "expired" | "revoked";
                            token_last_four: string;
                            scope: {
                                answer_tokens?: number | null;
                                tools?: string[];
                                providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                calls_per_day?: number;
                                addresses?: string[];
                            };
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            idle_seconds: number | null;
                            last_used_at: string | null;
                            first_call_at: string | null;
                            rotated_at: string | null;
                            previous_last_four: string | null;
                            previous_expires_at: string | null;
                            previous_used_at: string | null;
                            revoked_at: string | null;
                            client_name: string | null;
                            client_version: string | null;
                            last_address: string | null;
                            access_token?: string;
                        };
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/sessions/{id}/rotate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Give a session a new token
         * @description The answer holds `access_token`, which is shown this once. The former token is taken for `grace_seconds` beside it.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        grace_seconds?: number;
                    } | null;
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            session_id: string;
                            /** Format: uuid */
                            connection_id: string;
                            name: string | null;
                            /** @enum {unknown} */
                            state: "active" | "expired" | "revoked";
                            token_last_four: string;
                            scope: {
                                answer_tokens?: number | null;
                                tools?: string[];
                                providers?: ("alpaca" | "polygon" | "fmp" | "finnhub" | "sample")[];
                                calls_per_day?: number;
                                addresses?: string[];
                            };
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            idle_seconds: number | null;
                            last_used_at: string | null;
                            first_call_at: string | null;
                            rotated_at: string | null;
                            previous_last_four: string | null;
                            previous_expires_at: string | null;
                            previous_used_at: string | null;
                            revoked_at: string | null;
                            client_name: string | null;
                            client_version: string | null;
                            last_address: string | null;
                            access_token: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Revoke all sessions
         * @description Those of every connection. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            revoked: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sessions/{id}/one-time-token": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create a one-time token
         * @description The answer holds the token, which is shown this once, and the two places where it can be used.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        ttl_seconds?: number;
                    } | null;
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            one_time_token: string;
                            /** Format: date-time */
                            expires_at: string;
                            exchange_url: string;
                            connect_url: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the audit log
         * @description Newest first. The filters hold together; `cursor` is the `next_cursor` of the page before. To follow the log, send the highest `seq` that you have as `after`: what came since is answered the oldest first. Calls of tools are in the log within a second.
         */
        get: {
            parameters: {
                query?: {
                    action?: string;
                    actor?: string;
                    target?: string;
                    outcome?: string;
                    connection_id?: string;
                    session_id?: string;
                    since?: string;
                    until?: string;
                    limit?: number;
                    cursor?: string;
                    after?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                seq: number;
                                /** Format: date-time */
                                time: string;
                                actor: string;
                                action: string;
                                target: string | null;
                                outcome: string;
                                connection_id: string | null;
                                session_id: string | null;
                                client_name: string | null;
                                client_version: string | null;
                                ip: string | null;
                                request_id: string | null;
                                latency_ms: number | null;
                                details: {
                                    [key: string]: unknown;
                                };
                            }[];
                            next_cursor: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/export": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Export the audit log
         * @description Oldest first, as NDJSON or CSV, each row with its hash. The filters hold together. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        get: {
            parameters: {
                query?: {
                    action?: string;
                    actor?: string;
                    target?: string;
                    outcome?: string;
                    connection_id?: string;
                    session_id?: string;
                    since?: string;
                    until?: string;
                    format?: "ndjson" | "csv";
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The rows */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/x-ndjson": string;
                        "text/csv": string;
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/audit/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Verify the audit log
         * @description Reads the whole chain; one at a time. `head` is `seq:hash` as an earlier answer told it.
         */
        get: {
            parameters: {
                query?: {
                    head?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ok: boolean;
                            rows: number;
                            from_seq: number;
                            head: {
                                seq: number;
                                hash: string;
                            };
                            broken: {
                                seq: number;
                                reason: string;
                            } | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/cache": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what the cache holds and how often it was of use
         * @description Calls and hits are those of the last 24 hours; `memory` is of the replica that answers.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            store: {
                                /** @enum {unknown} */
                                name: "redis" | "postgres";
                                /** @enum {unknown} */
                                state: "ok" | "down";
                            };
                            memory: {
                                entries: number;
                                bytes: number;
                                limit_bytes: number;
                            };
                            entries: number | null;
                            bytes: number | null;
                            calls: number;
                            hits: number;
                            hit_ratio: number | null;
                            by_tool: {
                                tool: string;
                                entries: number | null;
                                bytes: number | null;
                                calls: number;
                                hits: number;
                                hit_ratio: number | null;
                            }[];
                            by_connection: {
                                /** Format: uuid */
                                connection_id: string;
                                entries: number | null;
                                bytes: number | null;
                                calls: number;
                                hits: number;
                                hit_ratio: number | null;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Clear the cache, or a part of it, on every replica
         * @description The filters hold together. `session` takes what the session has for itself, not what its connection shares.
         */
        delete: {
            parameters: {
                query?: {
                    connection?: string;
                    session?: string;
                    tool?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            dropped: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read the calls of the last hour, day or week
         * @description By minute, by quarter of an hour or by hour, and in total by tool and by session; `range` is `day` where it is not given. The filters hold together. Calls at other replicas are in it about five seconds late.
         */
        get: {
            parameters: {
                query?: {
                    range?: "hour" | "day" | "week";
                    connection_id?: string;
                    session_id?: string;
                    tool?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            range: "hour" | "day" | "week";
                            /** Format: date-time */
                            from: string;
                            /** Format: date-time */
                            to: string;
                            step_seconds: number;
                            total: {
                                calls: number;
                                failed: number;
                                hits: number;
                                hit_ratio: number | null;
                                p50_ms: number | null;
                                p95_ms: number | null;
                                tokens_estimated: number;
                            };
                            series: {
                                /** Format: date-time */
                                at: string;
                                calls: number;
                                failed: number;
                                hits: number;
                                hit_ratio: number | null;
                                p50_ms: number | null;
                                p95_ms: number | null;
                                tokens_estimated: number;
                            }[];
                            by_tool: {
                                tool: string;
                                calls: number;
                                failed: number;
                                hits: number;
                                hit_ratio: number | null;
                                p50_ms: number | null;
                                p95_ms: number | null;
                                tokens_estimated: number;
                            }[];
                            by_session: {
                                /** Format: uuid */
                                connection_id: string;
                                session_id: string | null;
                                connection_name: string | null;
                                session_name: string | null;
                                calls: number;
                                failed: number;
                                hits: number;
                                hit_ratio: number | null;
                                p50_ms: number | null;
                                p95_ms: number | null;
                                tokens_estimated: number;
                            }[];
                            errors: {
                                code: string;
                                calls: number;
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/system": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read what the server runs on, and how that is
         * @description `replica`, `cache.memory` and `audit` are of the process that answers.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            version: string;
                            node: string;
                            replica: {
                                /** Format: uuid */
                                id: string;
                                host: string;
                                /** Format: date-time */
                                started_at: string;
                                uptime_seconds: number;
                                memory_bytes: number;
                            };
                            dependencies: {
                                name: string;
                                /** @enum {unknown} */
                                state: "ok" | "down";
                                message: string;
                            }[];
                            database: {
                                /** @enum {unknown} */
                                kind: "embedded" | "external";
                                version: string | null;
                                size_bytes: number | null;
                                migrations: string[] | null;
                            };
                            redis: {
                                version: string | null;
                            } | null;
                            tls: {
                                /** Format: date-time */
                                expires_at: string;
                            } | null;
                            cache: {
                                store: {
                                    /** @enum {unknown} */
                                    name: "redis" | "postgres";
                                    /** @enum {unknown} */
                                    state: "ok" | "down";
                                };
                                memory: {
                                    entries: number;
                                    bytes: number;
                                    limit_bytes: number;
                                };
                            };
                            keys: {
                                source: string | null;
                                primary: string | null;
                                keys: {
                                    kid: string;
                                    /** @enum {unknown} */
                                    state: "primary" | "in the ring" | "missing" | "wrong";
                                    data_keys: number;
                                    system_keys: number;
                                }[];
                            } | null;
                            audit: {
                                waiting: number;
                                dropped: number;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/keys/rewrap": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Read how far the wrapping of keys is
         * @description Of the last run, wherever it was started: here, at another replica, or with `fmcp keys rewrap`.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            state: "none" | "running" | "done" | "failed" | "interrupted";
                            started_by: string | null;
                            started_at: string | null;
                            ended_at: string | null;
                            done: number;
                            total: number;
                            failed: string[];
                            message: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Wrap every key by the primary master key
         * @description Begins, and answers at once; `GET` tells how far it is. No secret is opened, and nothing is refused meanwhile. After an interruption a new run does the rest. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {unknown} */
                            state: "none" | "running" | "done" | "failed" | "interrupted";
                            started_by: string | null;
                            started_at: string | null;
                            ended_at: string | null;
                            done: number;
                            total: number;
                            failed: string[];
                            message: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/backup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a backup
         * @description The same file as `fmcp backup` writes, one at a time. It holds no secret in plain, and nothing in it can be opened without the key ring, which is not in it. A download that breaks is told by `fmcp restore`. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The backup */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/gzip": string;
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whom the server takes the caller for */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            id: string | null;
                            name: string;
                            /** @enum {unknown} */
                            via: "cookie" | "token";
                            token_id: string | null;
                            totp: boolean | null;
                            recovery_codes_left: number | null;
                            proved_until: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Log out
         * @description Ends the browser's login. A token is not ended: revoke it instead.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Logged out */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/proof": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Prove who is logged in
         * @description Lets the login do for ten minutes what needs a fresh proof. The answer sets a new cookie; the old one is refused from now on.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        password: string;
                        code?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            proved_until: string;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Change the own password
         * @description Ends all other logins of the admin. The answer sets a new cookie; the old one is refused from now on.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        current_password: string;
                        new_password: string;
                    };
                };
            };
            responses: {
                /** @description Changed */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begin to turn the second factor on
         * @description The answer is what an authenticator app is given, shown this once. Nothing changes before `confirm`. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            secret: string;
                            uri: string;
                        };
                    };
                };
            };
        };
        /**
         * Turn the second factor off
         * @description Its recovery codes are gone too. The answer sets a new cookie; the old one is refused from now on. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Turned off */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin/totp/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Turn the second factor on
         * @description From now on logins need a code too. Ends all other logins of the admin. The answer holds recovery codes, which are shown this once. The answer sets a new cookie; the old one is refused from now on.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        code: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            recovery_codes: string[];
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the admins */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            password_set_at: string;
                            totp: boolean;
                        }[];
                    };
                };
            };
        };
        put?: never;
        /**
         * Create an admin
         * @description A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name: string;
                        password: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            password_set_at: string;
                            totp: boolean;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admins/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Delete an admin
         * @description Ends its logins. The last admin stays. Admin tokens that it made stay too: revoke them. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Deleted */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admins/{id}/logins": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List an admin's logins
         * @description Those that have not ended, the last used first.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            address: string | null;
                            user_agent: string | null;
                            /** Format: date-time */
                            created_at: string;
                            /** Format: date-time */
                            last_seen_at: string;
                            /** Format: date-time */
                            expires_at: string;
                            is_current: boolean;
                        }[];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** End an admin's logins */
        delete: {
            parameters: {
                query?: {
                    /** @description The caller's own login stays */
                    keep_own?: boolean;
                };
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            ended: number;
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admins/{id}/logins/{login}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** End a login */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                    login: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Ended */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin-tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** List the admin tokens */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            token_last_four: string;
                            /** Format: date-time */
                            created_at: string;
                            expires_at: string | null;
                            last_used_at: string | null;
                            revoked_at: string | null;
                        }[];
                    };
                };
            };
        };
        put?: never;
        /**
         * Create an admin token
         * @description The answer holds `token`, which is shown this once. A login by cookie must have given its password within the last ten minutes: `POST /api/admin/proof`.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        name: string;
                        ttl_seconds?: number | null;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: uuid */
                            id: string;
                            name: string;
                            token: string;
                            expires_at: string | null;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/admin-tokens/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revoke an admin token */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Revoked */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
