// Functions that look at a page. Each returns {value} or, when what it looks
// for isn't there yet, {why}. None changes the page unless its name says so.

const squeeze = (text) => (text ?? '').replace(/\s+/g, ' ').trim();
const root = () => document.body ?? document.documentElement;
const settled = () => ({value: true});

const describe = (el) => {
	const name = el.localName + (el.id ? '#' + el.id : '') + [...el.classList].map((c) => '.' + c).join('');
	const text = squeeze(el.innerText).slice(0, 40);
	return text ? `${name} “${text}”` : name;
};

const box = (el) => [...el.getClientRects()].find((r) => r.width > 0 && r.height > 0);
const visible = (el) => el.checkVisibility({visibilityProperty: true}) && box(el) !== undefined;

// first is the element a selector means: the first one visible, else the first.
const first = (css) => {
	const all = [...document.querySelectorAll(css)];
	return all.find(visible) ?? all[0];
};
const missing = (css) => ({why: `nothing matches ${css}`});

const has = (css) => ({value: document.querySelector(css) !== null});
const gone = (css) => {
	const left = [...document.querySelectorAll(css)].find(visible);
	return left ? {why: `${describe(left)} is still there`} : {value: true};
};
const text = (css) => {
	const el = first(css);
	return el ? {value: squeeze(el.innerText ?? el.textContent)} : missing(css);
};
const value = (css) => {
	const el = first(css);
	if (!el) return missing(css);
	return 'value' in el ? {value: String(el.value)} : {why: `${describe(el)} has no value`};
};
const attr = (css, name) => {
	const el = first(css);
	return el ? {value: el.getAttribute(name) ?? ''} : missing(css);
};
const shows = (words) =>
	squeeze(root().innerText).includes(squeeze(words)) ? {value: true} : {why: 'the page doesn’t say so'};
const address = () => ({value: location.href});
const under = (prefix) =>
	location.href.startsWith(prefix) ? {value: true} : {why: `the address is ${location.href}`};
const title = () => ({value: document.title});

// moving tells of an animation that will end. Comparing places alone isn't
// enough: a busy browser draws nothing for longer than two looks are apart.
const moving = (el) => {
	for (let e = el; e; e = e.parentElement) {
		const runs = (a) => a.playState === 'running' && Number.isFinite(a.effect?.getComputedTiming().endTime);
		if (e.getAnimations().some(runs)) return true;
	}
	return false;
};

// aimAt scrolls to an element and says where to click it, if a person could.
const aimAt = (el) => {
	if (!visible(el)) return {why: `${describe(el)} is not visible`};
	if (el.matches(':disabled')) return {why: `${describe(el)} is disabled`};
	if (moving(el)) return {why: `${describe(el)} is still moving`};
	el.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'});
	const r = box(el);
	const x = r.left + r.width / 2;
	const y = r.top + r.height / 2;
	const hit = document.elementFromPoint(x, y);
	if (!hit) return {why: `${describe(el)} is outside of the window`};
	if (!el.contains(hit) && !(hit.closest('label')?.control === el)) {
		return {why: `${describe(el)} is covered by ${describe(hit)}`};
	}
	return {value: {x, y}};
};
const aim = (css) => {
	const el = first(css);
	return el ? aimAt(el) : missing(css);
};

// aimNamed aims at the link or button with this text, exactly or else in part.
const aimNamed = (wanted) => {
	const name = squeeze(wanted);
	const names = (el) =>
		[el.innerText, el.textContent, el.getAttribute('aria-label'), el.localName === 'input' ? el.value : '']
			.map(squeeze).filter((n) => n !== '');
	const all = [...document.querySelectorAll(
		'a[href], button, summary, input[type=submit], input[type=button], input[type=reset], [role=button], [role=link], [role=tab], [role=menuitem]',
	)].filter(visible);
	let found = all.filter((el) => names(el).includes(name));
	if (found.length === 0) found = all.filter((el) => names(el).some((n) => n.includes(name)));
	if (found.length === 0) return {why: `no link or button says “${name}”`};
	if (found.length > 1) return {why: `“${name}” could be ${found.map(describe).join(' or ')}`};
	return aimAt(found[0]);
};

// aimCheck aims at a checkbox or radio button, or at its label where a style
// sheet draws that instead. It has no point for one that is checked.
const aimCheck = (css) => {
	const el = first(css);
	if (!el) return missing(css);
	if (!['checkbox', 'radio'].includes(el.type)) return {why: `${describe(el)} can’t be checked`};
	if (el.checked) return {value: {checked: true}};
	const direct = aimAt(el);
	if (direct.value || !el.labels?.length) return direct;
	return aimAt(el.labels[0]);
};
const checked = (css) => {
	const el = first(css);
	if (!el) return missing(css);
	return el.checked ? {value: true} : {why: `${describe(el)} didn’t take the click`};
};

// focusToFill readies a field for typing over what it holds. Fields that one
// doesn't type into, such as lists and dates, are set here, which value says.
const focusToFill = (css, wanted) => {
	const el = first(css);
	if (!el) return missing(css);
	if (!visible(el)) return {why: `${describe(el)} is not visible`};
	if (el.matches(':disabled') || el.readOnly) return {why: `${describe(el)} can’t be edited`};
	const done = () => {
		el.dispatchEvent(new Event('input', {bubbles: true}));
		el.dispatchEvent(new Event('change', {bubbles: true}));
		return {value: 'set'};
	};
	if (el.localName === 'select') {
		const option = [...el.options].find((o) => o.value === wanted || squeeze(o.text) === squeeze(wanted));
		if (!option) return {why: `${describe(el)} has no option ${wanted}`};
		el.value = option.value;
		return done();
	}
	if (['date', 'time', 'datetime-local', 'month', 'week', 'color', 'range'].includes(el.type)) {
		el.value = wanted;
		return el.value === wanted ? done() : {why: `${describe(el)} made ${el.value} of ${wanted}`};
	}
	if (typeof el.select !== 'function') return {why: `${describe(el)} is not a field`};
	el.focus();
	el.select();
	return {value: 'type'};
};
const filled = (css, wanted) => {
	const el = first(css);
	if (!el) return missing(css);
	return el.value === wanted ? {value: true} : {why: `${describe(el)} holds “${el.value}” instead of “${wanted}”`};
};

// submitForm submits a form with its first button, the way Enter does, where
// submittable says that the browser lets a person.
const defaultButton = (form) => [...form.elements].find((el) => ['submit', 'image'].includes(el.type)) ?? null;
const submittable = (css) => {
	const form = first(css);
	if (!form) return missing(css);
	if (form.localName !== 'form') return {why: `${describe(form)} is not a form`};
	const invalid = form.noValidate ? null : [...form.elements].find((el) => el.willValidate && !el.validity.valid);
	if (invalid) return {why: `the browser refuses ${describe(invalid)}: ${invalid.validationMessage}`};
	const button = defaultButton(form);
	return button?.disabled ? {why: `${describe(button)} is disabled`} : {value: true};
};
const submitForm = (css) => {
	const form = first(css);
	form.requestSubmit(defaultButton(form));
	return {value: true};
};
