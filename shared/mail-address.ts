/** As a mail address is written in practice; whether it is someone's shows when it is used. */
const EMAIL = /^[^\s@"<>]{1,64}@[^\s@"<>]{1,255}$/
export const isEmail = (text: string): boolean => EMAIL.test(text)
