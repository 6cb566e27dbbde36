#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { run } from './cli/program.ts'

if (existsSync('.env')) process.loadEnvFile('.env')
process.exitCode = await run(process.argv.slice(2), process.env, process)
