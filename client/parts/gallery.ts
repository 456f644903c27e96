/** Every part in every state, at /gallery.html of the development server; `?theme=light` or `?theme=dark` pins one. Not built into the product. */
import { mount } from 'svelte'
import '../styles/look.css'
import Gallery from './Gallery.svelte'

const theme = new URLSearchParams(location.search).get('theme')
if (theme !== null) document.documentElement.dataset['theme'] = theme
const target = document.getElementById('app')
if (target === null) throw new Error('gallery: the page has no place for the parts; gallery.html was changed?')
mount(Gallery, { target })
