// What Tab has reached, and whether one sees it: `before` holds the look of every element without the focus.
before => {
  const element = document.activeElement
  if (!element || element === document.body || element === document.documentElement) return null
  for (const motion of document.getAnimations()) motion.finish()
  const style = getComputedStyle(element), look = ["boxShadow", "borderColor", "backgroundColor", "textDecoration", "color"]
  const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && !/, 0\)$|transparent/.test(style.outlineColor)
  const was = before.get(element), box = element.getBoundingClientRect()
  const changed = was !== undefined && look.some(one => style[one] !== was[one])
  const name = element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent || element.name || element.id
  return {
    element: element.localName + (element.id ? "#" + element.id : ""), name: name.trim().slice(0, 60),
    visible: (outlined || changed) && box.width > 0 && box.height > 0,
  }
}
