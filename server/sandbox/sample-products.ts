/*
 * What the sample organisation has bought. Seats already in use by devices or people of the suggested assignments come on top of
 * `found` (devices of the directory that no assignment asks for) and `outside` (devices the directory does not know).
 */
export type Platforms = 'i' | 'im' | 'm' | 'it' | 'iv'

export type AppRow = readonly [
  name: string,
  publisher: string,
  platforms: Platforms,
  genre: string,
  price: number,
  total: number | 'unlimited',
  found: number,
  outside: number,
]

export type BookRow = readonly [name: string, publisher: string, edition: 'STDQ' | 'PLUS', price: number, total: number, held: number]

export const SCHOOL_APPS: readonly AppRow[] = [
  ['Keynote', 'Apple', 'im', 'Productivity', 0, 'unlimited', 38, 4],
  ['Pages', 'Apple', 'im', 'Productivity', 0, 'unlimited', 31, 2],
  ['Numbers', 'Apple', 'im', 'Productivity', 0, 'unlimited', 22, 0],
  ['iMovie', 'Apple', 'im', 'Photo and Video', 0, 'unlimited', 12, 0],
  ['GarageBand', 'Apple', 'im', 'Music', 0, 'unlimited', 9, 1],
  ['Swift Playground', 'Apple', 'im', 'Education', 0, 5000, 18, 0],
  ['Final Cut Pro', 'Apple', 'm', 'Photo and Video', 299.99, 26, 1, 0],
  ['Logic Pro', 'Apple', 'm', 'Music', 199.99, 18, 2, 0],
  ['Eastmere Pass', 'Eastmere Schools', 'i', 'Education', 0, 'unlimited', 0, 6],
  ['Eastmere Bus Times', 'Eastmere Schools', 'i', 'Travel', 0, 'unlimited', 44, 0],
  ['Proloquo2Go', 'AssistiveWare', 'i', 'Education', 249.99, 204, 9, 5],
  ['Procreate', 'Savage Interactive', 'i', 'Graphics and Design', 12.99, 44, 13, 0],
  ['Goodnotes 6', 'Goodnotes', 'im', 'Productivity', 11.99, 120, 0, 0],
  ['LumaFusion', 'Luma Touch', 'i', 'Photo and Video', 29.99, 20, 1, 1],
  ['Notability', 'Ginger Labs', 'im', 'Productivity', 8.99, 31, 0, 0],
  ['Explain Everything', 'Explain Everything', 'i', 'Education', 24.99, 220, 6, 0],
  ['Book Creator', 'Tools for Schools', 'i', 'Education', 2.99, 420, 11, 3],
  ['Affinity Designer 2', 'Serif', 'im', 'Graphics and Design', 18.99, 60, 4, 0],
  ['Affinity Photo 2', 'Serif', 'im', 'Graphics and Design', 18.99, 40, 5, 0],
  ['Teach Your Monster to Read', 'Teach Monster Games', 'i', 'Education', 4.99, 200, 7, 1],
  ['ScratchJr', 'Scratch Foundation', 'i', 'Education', 0, 2000, 21, 0],
  ['Endless Alphabet', 'Originator', 'i', 'Education', 8.99, 96, 3, 0],
  ['Endless Reader', 'Originator', 'i', 'Education', 11.99, 72, 4, 0],
  ['Toca Life World', 'Toca Boca', 'i', 'Kids', 0, 'unlimited', 8, 0],
  ['Monument Valley 2', 'ustwo games', 'i', 'Games', 4.99, 30, 22, 0],
  ['Thinkrolls 2', 'Avokiddo', 'i', 'Education', 3.99, 64, 12, 0],
  ['DragonBox Algebra 12+', 'Kahoot', 'i', 'Education', 7.99, 130, 3, 0],
  ['DragonBox Numbers', 'Kahoot', 'i', 'Education', 7.99, 90, 8, 0],
  ['Montessori Numbers', 'Edoki Academy', 'i', 'Education', 2.99, 40, 26, 0],
  ['Writing Wizard', "L'Escapadou", 'i', 'Education', 4.99, 75, 5, 0],
  ['Word Wizard', "L'Escapadou", 'i', 'Education', 4.99, 70, 19, 1],
  ['Hairy Letters', 'Nessy Learning', 'i', 'Education', 3.99, 36, 35, 0],
  ['Mathseeds', 'Blake eLearning', 'i', 'Education', 0, 'unlimited', 14, 0],
  ['Prodigy Math', 'Prodigy Education', 'i', 'Education', 0, 'unlimited', 61, 0],
  ['Kahoot!', 'Kahoot', 'i', 'Education', 0, 'unlimited', 55, 2],
  ['Padlet', 'Padlet', 'im', 'Education', 0, 'unlimited', 17, 0],
  ['Seesaw', 'Seesaw Learning', 'i', 'Education', 0, 'unlimited', 48, 0],
  ['Showbie', 'Showbie', 'i', 'Education', 0, 'unlimited', 33, 0],
  ['Nearpod', 'Nearpod', 'i', 'Education', 0, 'unlimited', 5, 0],
  ['GeoGebra Classic 6', 'GeoGebra', 'im', 'Education', 0, 'unlimited', 29, 0],
  ['Desmos Graphing Calculator', 'Desmos', 'i', 'Education', 0, 'unlimited', 24, 0],
  ['Solar Walk 2', 'Vito Technology', 'i', 'Education', 2.99, 45, 9, 0],
  ['Star Walk 2', 'Vito Technology', 'i', 'Reference', 2.99, 45, 14, 0],
  ['SkySafari 7', 'Simulation Curriculum', 'i', 'Reference', 4.99, 12, 12, 0],
  ['Human Anatomy Atlas', 'Visible Body', 'i', 'Education', 24.99, 30, 4, 0],
  ['Froggipedia', 'Designmate', 'i', 'Education', 3.99, 50, 7, 0],
  ['The Elements', 'Touch Press', 'i', 'Education', 8.99, 60, 11, 0],
  ['Earth Primer', 'Chaim Gingold', 'i', 'Education', 9.99, 28, 6, 0],
  ['Tinybop Plants', 'Tinybop', 'i', 'Education', 2.99, 40, 16, 0],
  ['Tinybop The Human Body', 'Tinybop', 'i', 'Education', 3.99, 40, 18, 0],
  ['Stop Motion Studio', 'Cateater', 'im', 'Photo and Video', 4.99, 80, 6, 0],
  ['Green Screen by Do Ink', 'DK Pictures', 'i', 'Photo and Video', 4.99, 70, 10, 0],
  ['Sketchbook', 'Sketchbook', 'i', 'Graphics and Design', 0, 'unlimited', 13, 0],
  ['ArtRage', 'Ambient Design', 'i', 'Graphics and Design', 4.99, 32, 3, 0],
  ['forScore', 'forScore', 'im', 'Music', 19.99, 20, 2, 0],
  ['Tonara', 'Tonara', 'i', 'Music', 0, 'unlimited', 2, 0],
  ['iReal Pro', 'Technimo', 'im', 'Music', 16.99, 24, 4, 0],
  ['Staff Notes', 'Harbour Software', 'im', 'Productivity', 1.99, 150, 3, 0],
  ['MindNode', 'IdeasOnCanvas', 'im', 'Productivity', 0, 'unlimited', 7, 0],
  ['PDF Expert', 'Readdle', 'im', 'Productivity', 9.99, 110, 2, 0],
  ['Scanner Pro', 'Readdle', 'i', 'Business', 3.99, 25, 5, 0],
  ['Documents', 'Readdle', 'im', 'Productivity', 0, 'unlimited', 19, 0],
  ['Microsoft Word', 'Microsoft', 'im', 'Productivity', 0, 'unlimited', 66, 0],
  ['Microsoft Excel', 'Microsoft', 'im', 'Productivity', 0, 'unlimited', 52, 0],
  ['Google Classroom', 'Google', 'i', 'Education', 0, 'unlimited', 70, 3],
  ['Reflector 4', 'Squirrels', 'm', 'Utilities', 19.99, 36, 3, 0],
  ['Apple Configurator', 'Apple', 'm', 'Utilities', 0, 'unlimited', 6, 0],
  ['Classroom', 'Apple', 'im', 'Education', 0, 'unlimited', 15, 0],
  ['Signage for Schools', 'Harbour Software', 'it', 'Education', 9.99, 42, 0, 0],
  ['Mensa Menu Board', 'Eastmere Schools', 'it', 'Food and Drink', 0, 60, 0, 0],
  ['Quiver Education', 'QuiverVision', 'i', 'Education', 7.99, 24, 8, 0],
  ['Lightbot', 'SpriteBox', 'i', 'Education', 2.99, 48, 15, 0],
  ['Cargo-Bot', 'Two Lives Left', 'i', 'Games', 0, 300, 4, 0],
]

export const SCHOOL_BOOKS: readonly BookRow[] = [
  ['Algebra 1, Student Edition', 'Northfield Press', 'STDQ', 14.99, 120, 60],
  ['Algebra 1, Student Edition', 'Northfield Press', 'PLUS', 19.99, 30, 12],
  ['The Night Library', 'Harbour and Finch', 'STDQ', 7.99, 60, 21],
  ['Physics for Grade 9', 'Northfield Press', 'STDQ', 16.99, 40, 40],
  ['A Short History of Eastmere', 'Eastmere Town Archive', 'STDQ', 0, 500, 34],
  ['Reading the Coast', 'Harbour and Finch', 'PLUS', 9.99, 25, 3],
  ['Sound and Signal', 'Northfield Press', 'STDQ', 12.99, 20, 18],
]

export const CLINIC_APPS: readonly AppRow[] = [
  ['Ward Round', 'Eastmere Clinic', 'i', 'Medical', 0, 250, 3, 1],
  ['Eastmere Handover', 'Eastmere Clinic', 'i', 'Medical', 0, 'unlimited', 4, 0],
  ['Complete Anatomy', '3D4Medical', 'im', 'Medical', 99.99, 17, 0, 0],
  ['Essential Anatomy 5', '3D4Medical', 'im', 'Medical', 29.99, 12, 3, 0],
  ['Muscle Premium', 'Visible Body', 'i', 'Medical', 29.99, 18, 10, 0],
  ['Epocrates', 'Epocrates', 'i', 'Medical', 0, 60, 8, 0],
  ['UpToDate', 'UpToDate', 'i', 'Medical', 0, 'unlimited', 12, 0],
  ['MDCalc', 'MD Aware', 'i', 'Medical', 0, 'unlimited', 10, 0],
  ['VisualDx', 'Logical Images', 'i', 'Medical', 0, 'unlimited', 6, 0],
  ['Medscape', 'WebMD', 'i', 'Medical', 0, 'unlimited', 9, 0],
  ['Scrubs Rota', 'Harbour Software', 'i', 'Business', 3.99, 70, 2, 2],
  ['Wound Atlas', 'Harbour Software', 'i', 'Medical', 12.99, 80, 1, 0],
  ['Stroke Scale', 'Statcoder', 'i', 'Medical', 1.99, 30, 5, 0],
  ['ECG Guide', 'QxMD', 'i', 'Medical', 0.99, 64, 14, 0],
  ['Pedi QuikCalc', 'Pediatric Apps', 'i', 'Medical', 1.99, 24, 24, 0],
  ['Eponyms', 'Pascal Ehlert', 'i', 'Medical', 1.99, 20, 2, 0],
  ['Translate for Wards', 'Mediglot', 'i', 'Medical', 9.99, 90, 6, 0],
  ['Constant Therapy', 'Constant Therapy', 'i', 'Medical', 0, 'unlimited', 3, 0],
  ['Tactus Language Suite', 'Tactus Therapy', 'i', 'Medical', 69.99, 34, 2, 0],
  ['Breathe and Rest', 'Harbour Software', 'i', 'Health and Fitness', 2.99, 50, 7, 0],
  ['Dictation for Clinics', 'Mediglot', 'im', 'Medical', 24.99, 44, 1, 0],
  ['Clinic Phonebook', 'Eastmere Clinic', 'i', 'Business', 0, 'unlimited', 2, 0],
  ['Insight Heart', 'Animares', 'iv', 'Medical', 1.99, 10, 1, 0],
  ['Numbers Board', 'Harbour Software', 'im', 'Business', 5.99, 12, 5, 0],
  ['Microsoft Teams', 'Microsoft', 'im', 'Business', 0, 'unlimited', 20, 0],
]

export const CLINIC_BOOKS: readonly BookRow[] = [
  ['Ward Handbook 2026', 'Eastmere Clinic', 'STDQ', 0, 200, 24],
  ['Pharmacology in Practice', 'Northfield Press', 'PLUS', 39.99, 12, 11],
]

/** The second location named Eastmere Schools: an exchange campus in Canada, with few seats of its own. */
export const CAMPUS_APPS: readonly AppRow[] = [
  ['Le Petit Lecteur', 'Maison Rive', 'i', 'Education', 3.99, 40, 6, 12],
  ['Dictée', 'Maison Rive', 'i', 'Education', 2.99, 40, 0, 9],
  ['Antidote Mobile', 'Druide informatique', 'im', 'Reference', 12.99, 15, 0, 14],
  ['Snow Day Science', 'Northfield Press', 'i', 'Education', 4.99, 25, 3, 4],
  ['Maple Math', 'Birch and Maple', 'i', 'Education', 5.99, 30, 0, 11],
  ['Canadian Atlas', 'Birch and Maple', 'im', 'Reference', 6.99, 20, 2, 2],
  ['Ski Patrol First Aid', 'Birch and Maple', 'i', 'Medical', 1.99, 10, 0, 1],
  ['Campus Shuttle', 'Eastmere Schools', 'i', 'Travel', 0, 'unlimited', 0, 21],
  ['Inuktitut for Beginners', 'Birch and Maple', 'i', 'Education', 2.99, 16, 4, 0],
  ['Lac et Forêt', 'Maison Rive', 'i', 'Education', 3.99, 18, 0, 5],
  ['Hockey Statistics', 'Birch and Maple', 'i', 'Education', 1.99, 12, 0, 0],
  ['Carnet de voyage', 'Maison Rive', 'i', 'Travel', 2.99, 20, 0, 8],
  ['Tides of Fundy', 'Birch and Maple', 'i', 'Education', 3.99, 14, 2, 0],
  ['Maison des mots', 'Maison Rive', 'i', 'Education', 4.99, 22, 0, 7],
]

/** Owned by the campus as well as by the schools: the same product, kept apart by location. */
export const CAMPUS_SHARED: readonly (readonly [name: string, total: number, outside: number])[] = [
  ['Book Creator', 30, 12],
  ['Keynote', 200, 18],
  ['Procreate', 6, 5],
]

/** Shown by Apple as no longer usable, without a reason. */
export const RETIRED: Readonly<Record<string, number>> = { 'Book Creator': 4, 'Explain Everything': 2, Epocrates: 1 }

/** Only for people: Apple refuses serial numbers for these. */
export const USER_ONLY: readonly string[] = ['Goodnotes 6', 'Staff Notes']

export const CUSTOM: readonly string[] = [
  'Eastmere Pass',
  'Eastmere Bus Times',
  'Mensa Menu Board',
  'Ward Round',
  'Eastmere Handover',
  'Clinic Phonebook',
  'Campus Shuttle',
]

/** `held` members had the seat before Quartermaster came; what is beyond is left for the first orders. */
export type WishRow = readonly [
  location: 'schools' | 'clinic' | 'campus',
  product: string,
  group: string,
  held: number,
  mode?: 'exclude',
  intent?: 'available',
]

export const WISHES: readonly WishRow[] = [
  // Short: 204 owned, 14 of them found, so 190 seats for 208 devices; the last ones wait.
  ['schools', 'Proloquo2Go', 'Speech support', 183],
  ['schools', 'Proloquo2Go', 'Grade 1 intake', 4],
  // Low: three left.
  ['schools', 'Procreate', 'Art, Grade 9', 22],
  // Five of the 91 are not registered at Apple, and one has left.
  ['schools', 'Goodnotes 6', 'Grade 8 students', 80],
  // 30 of 31 in use: one seat is left for two consoles to fight over.
  ['schools', 'Notability', 'Grade 7 loan cart', 30],
  ['schools', 'Keynote', 'Grade 7 tablets', 108],
  ['schools', 'Keynote', 'Grade 8 tablets', 94],
  ['schools', 'Pages', 'Grade 8 tablets', 90],
  ['schools', 'Eastmere Pass', 'Grade 7 tablets', 112],
  ['schools', 'Eastmere Pass', 'Grade 8 tablets', 94],
  ['schools', 'Eastmere Pass', 'Library carts', 38],
  ['schools', 'Book Creator', 'Grade 2 tablets', 60],
  ['schools', 'Book Creator', 'Grade 3 tablets', 58],
  ['schools', 'Book Creator', 'Library carts', 30],
  ['schools', 'Book Creator', 'Grade 7 tablets', 100],
  ['schools', 'Explain Everything', 'Grade 7 tablets', 104],
  ['schools', 'Explain Everything', 'Grade 8 tablets', 90],
  ['schools', 'Explain Everything', 'Loan pool, Westfield', 0, 'exclude'],
  ['schools', 'DragonBox Algebra 12+', 'Grade 7 tablets', 112],
  ['schools', 'Teach Your Monster to Read', 'Grade 2 tablets', 60],
  ['schools', 'Teach Your Monster to Read', 'Grade 3 tablets', 51],
  ['schools', 'ScratchJr', 'Grade 2 tablets', 60],
  ['schools', 'ScratchJr', 'Grade 3 tablets', 60],
  ['schools', 'ScratchJr', 'Preschool screening', 12],
  ['schools', 'Endless Alphabet', 'Grade 2 tablets', 57],
  ['schools', 'Endless Alphabet', 'Grade 1 intake', 12],
  ['schools', 'Writing Wizard', 'Grade 2 tablets', 60],
  ['schools', 'Thinkrolls 2', 'Preschool screening', 9],
  ['schools', 'Affinity Designer 2', 'Art, Grade 9', 28],
  ['schools', 'Affinity Designer 2', 'Film studio Macs', 20],
  ['schools', 'LumaFusion', 'Music room', 12],
  ['schools', 'Final Cut Pro', 'Film studio Macs', 24],
  ['schools', 'Logic Pro', 'Film studio Macs', 10, undefined, 'available'],
  ['schools', 'GarageBand', 'Music room', 16],
  ['schools', 'forScore', 'Music room', 15],
  ['schools', 'iReal Pro', 'Music room', 11],
  ['schools', 'Stop Motion Studio', 'Art, Grade 9', 28],
  ['schools', 'Reflector 4', 'Staff Macs, Westfield', 28],
  ['schools', 'Staff Notes', 'Teachers', 88],
  ['schools', 'PDF Expert', 'Teachers', 85, undefined, 'available'],
  ['schools', 'Signage for Schools', 'Classroom Apple TVs', 38],
  ['schools', 'Mensa Menu Board', 'Classroom Apple TVs', 40],
  ['schools', 'Word Wizard', 'Library carts', 24],
  ['schools', 'Classroom', 'Staff Macs, Northside', 20],
  ['schools', 'Algebra 1, Student Edition', 'Grade 7 students', 60],
  ['schools', 'The Night Library', 'Library staff', 14],
  ['clinic', 'Ward Round', 'Clinic wards', 70],
  ['clinic', 'Ward Round', 'Clinic phones', 36],
  ['clinic', 'Eastmere Handover', 'Clinic wards', 72],
  // 17 owned, 16 asked for: one is left.
  ['clinic', 'Complete Anatomy', 'Anatomy lab', 16],
  ['clinic', 'Epocrates', 'Clinic phones', 30],
  ['clinic', 'Wound Atlas', 'Clinic wards', 66],
  // 70 owned, 4 of them found: 66 seats for 72 devices.
  ['clinic', 'Scrubs Rota', 'Clinic wards', 60],
  ['clinic', 'Translate for Wards', 'Clinic wards', 72],
  ['clinic', 'Clinic Phonebook', 'Clinic phones', 40],
  ['clinic', 'Tactus Language Suite', 'Therapists', 26],
  ['clinic', 'Dictation for Clinics', 'Clinic phones', 38],
  ['campus', 'Snow Day Science', 'Grade 1 intake', 6],
]
