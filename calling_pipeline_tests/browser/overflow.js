// Texts that do not fit: beyond the box of their nearest block, cut without a title that holds the whole, or beyond the page.
() => {
  const width = document.documentElement.clientWidth, found = []
  const name = element => {
    const id = element.id ? "#" + element.id : "", classes = [...element.classList].map(one => "." + one).join("")
    return element.localName + id + classes
  }
  const scrolls = element => {
    for (; element && element !== document.body && element !== document.documentElement; element = element.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(element).overflowX)) return true
    return false
  }
  const block = element => {
    if (element.ownerSVGElement) {
      while (element.ownerSVGElement) element = element.ownerSVGElement
      return element
    }
    while (["inline", "contents"].includes(getComputedStyle(element).display) && element.parentElement) element = element.parentElement
    return element
  }
  const page = Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)
  if (page > width) found.push({ element: "page", text: "", why: `is ${page} px wide in a window of ${width}` })

  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    const owner = text.parentElement
    if (!text.data.trim() || !owner || !owner.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue
    const box = block(owner), outer = box.getBoundingClientRect(), style = getComputedStyle(box)
    if (outer.width <= 1 || outer.height <= 1) continue  // only for screen readers
    const line = parseFloat(getComputedStyle(owner).fontSize)
    const range = document.createRange()
    range.selectNodeContents(text)
    const parts = [...range.getClientRects()].filter(part => part.width > 0)
    if (!parts.length || parts.every(part => part.right <= 0 || part.bottom <= 0)) continue  // kept outside until it has the focus
    const right = Math.max(...parts.map(part => part.right)), left = Math.min(...parts.map(part => part.left))
    const bottom = Math.max(...parts.map(part => part.bottom))
    const note = why => found.push({ element: name(owner), text: text.data.trim().slice(0, 60), why })
    if (style.textOverflow === "ellipsis" && box.scrollWidth > box.clientWidth) {
      if (!box.title && !owner.title) note("is cut, and no title holds the whole")
    } else if (scrolls(box)) continue
    else if (right > width + 1) note(`ends ${Math.round(right - width)} px beyond the page`)
    else if (right > outer.right + 1 || left < outer.left - 1) note(`is ${Math.round(Math.max(right - outer.right, outer.left - left))} px wider than ${name(box)}`)
    else if (bottom > outer.bottom + line * 0.6 && !["auto", "scroll"].includes(style.overflowY))
      note(`ends ${Math.round(bottom - outer.bottom)} px below ${name(box)}`)
  }
  return found
}
