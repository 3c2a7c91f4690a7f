/** The attackers' pods, in the namespace `default`: both halves of the matrix have them, whichever comes first makes them. */
export const siegePods = ['web-0', 'db-0'] as const
