/** The kinds of status that the parts draw: a shape and a colour each. */
export type Health = 'healthy' | 'warning' | 'unhealthy' | 'pending' | 'off'
